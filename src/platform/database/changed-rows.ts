import type { ClientBase } from 'pg'
import { StartError } from '../../kernel/errors.ts'
import type { DjangoUserTable } from './django-users.ts'

/** How far a reading has come: what is written by this transaction of PostgreSQL or a later one may not have been seen. */
export interface Mark {
  readonly table: number
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
  const { rows } = await client.query<{ oldest: string; next: string }>(
    'SELECT txid_snapshot_xmin(now) AS oldest, txid_snapshot_xmax(now) AS next FROM txid_current_snapshot() AS now',
  )
  const [{ oldest = '0', next = '0' } = {}] = rows
  const mark = { table: oid, transaction: BigInt(oldest) }
  const since = following?.since
  // A mark of another table, or of a time to come, is of a database that was restored since: all is read again.
  if (since?.table !== oid || since.transaction > BigInt(next)) return { mark, isNew: undefined }
  return { mark, isNew: (row) => `age(${row}.xmin) <= age('${since.transaction % epoch}'::xid)` }
}
