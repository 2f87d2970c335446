import type { Db, Sql } from './db.ts'
import { sql } from './db.ts'

/** One run of the clean-up. */
export interface CleanUpRun {
  /** What was over before that instant is due, where nothing else is said. */
  readonly before: Date
  /** The place at which the deletions of this run stand, by table and column. Rows of a batch that was rolled back are left for the next run. */
  readonly places: Map<string, string>
}

/** The number of rows that one statement deletes: it takes milliseconds however many rows there are. */
const deletedAtOnce = 1000

interface Deletion extends Partial<Pick<CleanUpRun, 'places'>> {
  readonly table: Sql
  /** A column that an index begins with, behind those that `where` compares. */
  readonly by: Sql
  /** Rows are due whose column is below this. */
  readonly before: Date | number | Sql
  readonly where?: Sql
}

/**
 * Deletes some of the rows that are due, the oldest first, and none that a request has locked. Says how many.
 *
 * In the order of the index, as PostgreSQL reads the whole table when most of its rows are due. Each batch begins where the one before
 * it ended, as dead rows are passed one by one until they are vacuumed, which may be hours later.
 */
export async function deleteDue(db: Db, { table, by, before, where, places }: Deletion): Promise<number> {
  const key = `${table.sql} ${by.sql}`
  const place = places?.get(key)
  const from = place === undefined ? sql`TRUE` : sql`${by} >= ${place}`
  const [batch] = await db.$queryRaw<{ count: number; place: string | null }[]>`
    WITH due AS (
      SELECT ctid, ${by} AS place FROM ${table} WHERE ${by} < ${before} AND ${from} AND ${where ?? sql`TRUE`}
      ORDER BY ${by} LIMIT ${deletedAtOnce}::integer FOR UPDATE SKIP LOCKED
    ),
    deleted AS (DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM due)) RETURNING 1)
    SELECT (SELECT count(*)::integer FROM deleted) AS count,
      (SELECT place::text FROM due ORDER BY due.place DESC LIMIT 1) AS place`
  if (batch?.place) places?.set(key, batch.place)
  return batch?.count ?? 0
}
