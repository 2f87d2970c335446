import { Client } from 'pg'
import type { TestServer } from './server.ts'

const rowsOf = {
  sessions: 'sessions WHERE user_id = $1::integer',
  failures: "password_attempts WHERE subject = 'user:' || $1",
}

/**
 * Holds the sessions of the user, or what else is named, until all of the requests, begun in this order, wait to change them, and then lets
 * them go on: what a race needs luck for happens every time. The server needs a pool (DATABASE_POOL) as wide as the
 * requests are many.
 */
export async function collide<Result>(
  { settings }: TestServer,
  userId: number,
  requests: readonly (() => Promise<Result>)[],
  held: keyof typeof rowsOf = 'sessions',
): Promise<Result[]> {
  const [holder, watcher] = [1, 2].map(() => new Client({ connectionString: settings.DATABASE_URL })) as [
    Client,
    Client,
  ]
  await Promise.all([holder.connect(), watcher.connect()])
  const countWaiting = async (): Promise<number> => {
    const { rows } = await watcher.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows[0]?.waiting ?? 0
  }
  try {
    await holder.query('BEGIN')
    await holder.query(`SELECT 1 FROM ${rowsOf[held]} FOR UPDATE`, [userId])
    const answers: Promise<Result>[] = []
    for (const send of requests) {
      answers.push(send())
      while ((await countWaiting()) < answers.length);
    }
    await holder.query('COMMIT')
    return await Promise.all(answers)
  } finally {
    await Promise.all([holder.end(), watcher.end()])
  }
}

/** The same request, so many times. */
export function many<Result>(count: number, send: () => Promise<Result>): (() => Promise<Result>)[] {
  return Array.from({ length: count }, () => send)
}
