import type { Database, Db } from './db.ts'

/** The scope of stores: the whole database, or one transaction. */
export interface Scope {
  readonly db: Db
  /** Runs the action once the transaction is committed; never when it is rolled back. Outside a transaction, at once. */
  readonly afterCommit: (action: () => void) => void
  /**
   * Does the work for the item. Without an item the work is done as well and rolled back, so that the response time does
   * not tell whether there was one.
   */
  readonly padWork: <Item>(item: Item | undefined, work: (item: Item | undefined) => Promise<void>) => Promise<void>
  /** Takes an advisory lock until the transaction ends; false when another transaction holds it. */
  readonly tryLock: (id: number) => Promise<boolean>
}

/**
 * Runs the work in one transaction, with stores over it: all of it happens, or nothing. The work may run again (see
 * `Database`), so it changes nothing but what it changes through the stores. A `Transaction<All>` is a `Transaction<Few>`
 * too: each function asks for the few stores that it uses.
 */
export type Transaction<Stores> = <Result>(work: (stores: Stores) => Promise<Result>) => Promise<Result>

/** The stores of the features: over the whole database, and over one transaction. */
export interface UnitOfWork<Stores> {
  /** Each call is a statement of its own: for reads, and for changes that are one statement. */
  readonly stores: Stores
  readonly transaction: Transaction<Stores>
}

export function createUnitOfWork<Stores>(
  database: Database,
  createStores: (scope: Scope) => Stores,
): UnitOfWork<Stores> {
  return {
    stores: createStores(scopeOf(database, database.db)),
    transaction: (work) => database.transaction((tx) => work(createStores(scopeOf(database, tx)))),
  }
}

export function scopeOf({ afterCommit, padWork }: Database, db: Db): Scope {
  return {
    db,
    afterCommit: (action) => afterCommit(db, action),
    padWork: (item, work) => padWork(db, item, work),
    async tryLock(id) {
      const [row] = await db.$queryRaw<{ isHeld: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(${id}::bigint) AS "isHeld"`
      return row?.isHeld === true
    },
  }
}
