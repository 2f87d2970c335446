import type { PrismaClient } from '../generated/prisma/client.ts'
import { Prisma } from '../generated/prisma/client.ts'

export type { Registration, Session, User } from '../generated/prisma/client.ts'

/** A part of a statement with its values: `sql` tags one, and statements are put together of them. */
export type Sql = Prisma.Sql
export const { sql } = Prisma

/** What speaks to the tables: the whole database, or one transaction of it. */
export type Db = Omit<PrismaClient, '$connect' | '$disconnect' | '$on' | '$use' | '$transaction' | '$extends'>

/** The database as a port. */
export interface Database {
  readonly db: Db
  /**
   * Runs the work in one READ COMMITTED transaction: all of it happens, or nothing. The work is done again when PostgreSQL
   * sacrifices the transaction to another one, so it changes nothing but what it changes through `tx`.
   *
   * Rows are locked in one order, so that no two transactions wait for each other: mail rate limits of requested mails;
   * mail tokens; other registrations; the password; its failed attempts; the user; sessions; the mail rate limit of notices;
   * then inserts (events, mails). A transaction locks several rows of one table only while it holds an earlier row that every
   * transaction which locks several of them takes first.
   */
  readonly transaction: <Result>(work: (tx: Db) => Promise<Result>) => Promise<Result>
  /** Runs the action once the transaction that the work belongs to is committed; never when it is rolled back. */
  readonly afterCommit: (tx: Db, action: () => void) => void
  /** Does the work for the item. Without one it is done as well and rolled back, so that the response time is the same. */
  readonly padWork: <Item>(
    tx: Db,
    item: Item | undefined,
    work: (item: Item | undefined) => Promise<void>,
  ) => Promise<void>
}

/** How many rows are deleted at once: few enough for a statement of milliseconds, whatever has gathered. */
const deletedAtOnce = 1000

/** Deletes some of the rows of the table that meet the condition, none that a request holds, and says how many. */
export async function deleteSome(db: Db, table: Sql, condition: Sql): Promise<number> {
  return await db.$executeRaw`
    DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${deletedAtOnce}::integer FOR UPDATE SKIP LOCKED))`
}

/** Whether the error says that a row with this unique value already exists. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002'
}
