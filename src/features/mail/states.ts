import type { Db } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'

interface MailState {
  readonly state: 'queued' | 'abandoned'
  readonly count: number
  readonly oldestSeconds: number
}

/** The mails that were not sent, for operators. An index leads to them; those that were sent are too many to count. */
export function createMailStates({
  db,
  clock,
}: {
  readonly db: Db
  readonly clock: Clock
}): () => Promise<readonly MailState[]> {
  return async () => {
    const rows = await db.$queryRaw<{ state: string; count: number; oldest: Date }[]>`
      SELECT status AS state, count(*)::integer AS count, min(created_at) AS oldest
      FROM outbox_mails WHERE status IN ('queued', 'abandoned') GROUP BY status`
    return (['queued', 'abandoned'] as const).map((state) => {
      const row = rows.find((each) => each.state === state)
      const oldestSeconds = row ? Math.max(0, (clock.now().getTime() - row.oldest.getTime()) / 1000) : 0
      return { state, count: row?.count ?? 0, oldestSeconds }
    })
  }
}
