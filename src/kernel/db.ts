import type { PrismaClient, Session as SessionRow } from '../generated/prisma/client.ts'
import { Prisma } from '../generated/prisma/client.ts'

export type { Event, Registration, Session as SessionRow, User } from '../generated/prisma/client.ts'

/** A session, with what its row leaves out before the first use. */
export type Session = SessionRow & {
  readonly rotatedAt: Date
  readonly lastUsedAt: Date
  readonly lastIp: string
  readonly lastUserAgent: string
}

/** A part of an SQL statement with its values. It stays in the file that runs the statement: none travels between features. */
export type Sql = Prisma.Sql
export const { sql } = Prisma

/** Access to the tables: over the whole database, or over one transaction. Only stores and statements use it (unit-of-work.ts). */
export type Db = Omit<PrismaClient, '$connect' | '$disconnect' | '$on' | '$use' | '$transaction' | '$extends'>

/** The database as a port. */
export interface Database {
  readonly db: Db
  /**
   * Runs the work in one READ COMMITTED transaction: all of it happens, or nothing. The work runs again when PostgreSQL ends
   * the transaction in favour of another one, so it changes nothing but what it changes through `tx`.
   *
   * Rows are locked in one order, so that no two transactions wait for each other: mail rate limits of requested mails;
   * mail tokens; other registrations; the password; its failed attempts; spent tokens of Django; the user; sessions; the mail rate limit of notices;
   * then inserts (events, mails). A transaction locks several rows of one table only while it holds an earlier row that every
   * transaction which locks several of them takes first.
   */
  readonly transaction: <Result>(work: (tx: Db) => Promise<Result>) => Promise<Result>
  /** Runs the action once the transaction that the work belongs to is committed; never when it is rolled back. */
  readonly afterCommit: (tx: Db, action: () => void) => void
  /**
   * Does the work for the item. Without an item the work is done as well and rolled back, so that the response time does
   * not tell whether there was one.
   */
  readonly padWork: <Item>(
    tx: Db,
    item: Item | undefined,
    work: (item: Item | undefined) => Promise<void>,
  ) => Promise<void>
}

/** Whether the error says that a row with this unique value already exists. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002'
}
