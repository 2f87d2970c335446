import type { ClientBase } from 'pg'
import { StartError } from '../../kernel/errors.ts'
import type { DjangoUserTable } from './django-users.ts'

/** How far a reading has come: what is written by this transaction of PostgreSQL or a later one may not have been seen. */
export interface Mark {
  /** The table, and when this PostgreSQL has started. Another one, as after a failover or a restore, may use the same numbers again. */
  readonly place: string
  /** With its epoch, and so never used twice. */
  readonly transaction: bigint
}

/** What a reading takes that follows another one. */
export interface Following {
  /** Absent: it is the first, which takes all. */
  readonly since: Mark | undefined
  /** Primary keys of users who are read again with whatever has changed. */
  readonly again: readonly string[]
}

interface Selection {
  readonly mark: Mark
  /** The condition for rows of this table, or alias, that have been written since; undefined where all are taken. */
  readonly isNew: ((row: string) => string) | undefined
}

/** Where the numbers of transactions begin anew in the rows. */
const epoch = 2n ** 32n
/** How far apart two transactions are at most whose numbers in the rows can be compared. */
const mostApart = epoch / 2n

/**
 * Finds the rows that have changed since the mark, whatever column has.
 *
 * PostgreSQL notes in each row the transaction that has written it. The mark is the oldest one that was open when the reading began:
 * what that and later ones write is read next time, whenever they are committed. Some rows are read twice, which changes nothing.
 */
export async function selectChanges(
  client: ClientBase,
  { name, oid, isView }: DjangoUserTable,
  following: Following | undefined,
): Promise<Selection> {
  if (following && isView) {
    throw new StartError(`${name} is a view, whose changes cannot be followed: name the table behind it with --table`)
  }
  const { rows } = await client.query<{ oldest: string; next: string; startedAt: string }>(
    `SELECT txid_snapshot_xmin(now) AS oldest, txid_snapshot_xmax(now) AS next, pg_postmaster_start_time()::text AS "startedAt"
     FROM txid_current_snapshot() AS now`,
  )
  const [{ oldest = '0', next = '0', startedAt = '' } = {}] = rows
  const mark = { place: `${oid} ${startedAt}`, transaction: BigInt(oldest) }
  const since = following?.since
  if (since?.place !== mark.place) return { mark, isNew: undefined }
  const passed = BigInt(next) - since.transaction
  // Less than none have passed where a standby with a delay answers after another one.
  if (passed < 0n || passed >= mostApart) return { mark, isNew: undefined }
  // A row that was written more than `mostApart` ago has a negative age, however seldom it changes.
  return { mark, isNew: (row) => `age(${row}.xmin) BETWEEN 0 AND age('${since.transaction % epoch}'::xid)` }
}
