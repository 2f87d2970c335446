import { Client } from 'pg'
import type { ConnectedDatabase } from '../../src/platform/database/database.ts'
import type { TestServer } from './server.ts'

const rowsOf = {
  sessions: 'sessions WHERE user_id = $1::integer',
  users: 'users WHERE id = $1::integer',
  failures: "password_attempts WHERE throttle_key = 'user:' || $1",
}

/**
 * Locks the sessions of the user, or the rows of the named tables, until all requests, begun in this order, wait for
 * the locks; then releases them: the race happens every time. The server needs a pool (DATABASE_POOL) with a connection
 * per request.
 */
export async function collide<Result>(
  { settings, database }: TestServer,
  userId: number,
  requests: readonly (() => Promise<Result>)[],
  ...held: readonly (keyof typeof rowsOf)[]
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
  await makePatient(database, requests.length)
  try {
    await holder.query('BEGIN')
    for (const rows of held.length > 0 ? held : (['sessions'] as const)) {
      await holder.query(`SELECT 1 FROM ${rowsOf[rows]} FOR UPDATE`, [userId])
    }
    const answers: Promise<Result>[] = []
    let isOver = false
    for (const [index, send] of requests.entries()) {
      const answer = send()
      answers.push(answer)
      void answer
        .catch(() => undefined)
        .then(() => {
          isOver = true
        })
      // Equal requests have no order and run faster together.
      if (requests[index + 1] === send) continue
      while ((await countWaiting()) < answers.length) {
        if (isOver) throw new Error('a request was answered that had to wait for the lock')
      }
    }
    await holder.query('COMMIT')
    return await Promise.all(answers)
  } finally {
    await Promise.all([holder.end(), watcher.end()])
  }
}

/** Opens so many connections with a lock timeout that a slow machine does not reach. */
async function makePatient({ transaction }: ConnectedDatabase, count: number): Promise<void> {
  let missing = count
  let go: () => void = () => undefined
  const allAreOpen = new Promise<void>((resolve) => {
    go = resolve
  })
  const open = () =>
    transaction(async (tx) => {
      await tx.$queryRaw`SELECT set_config(name, '60s', false) FROM (VALUES ('lock_timeout'), ('statement_timeout')) AS limits (name)`
      missing -= 1
      if (missing === 0) go()
      await allAreOpen
    })
  await Promise.all(Array.from({ length: count }, open))
}

/** The same request, so many times. */
export function many<Result>(count: number, send: () => Promise<Result>): (() => Promise<Result>)[] {
  return Array.from({ length: count }, () => send)
}
