import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../../generated/prisma/client.ts'
import type { Database, Db } from '../../kernel/db.ts'
import { configuredConnections } from './connection.ts'
import { isDiskFull } from './errors.ts'
import { createPool, repeatConflicts } from './pool.ts'
import { createRawQueries } from './raw-queries.ts'
import type { StartStatement } from './traced-pool.ts'
import { tracePool } from './traced-pool.ts'

export interface ConnectedDatabase extends Database {
  /** The names of the migrations that the database has. Throws when it takes no writes, or lacks a table of ours. */
  readonly appliedMigrations: () => Promise<string[]>
  /** The connections, and the works that wait for one. */
  readonly load: () => {
    readonly total: number
    readonly idle: number
    readonly waiting: number
    readonly limit: number
  }
  /** Whether the disk is full: false without a question until a statement has said so, then by a write that is rolled back. */
  readonly isDiskFull: () => Promise<boolean>
  /** Waits for the queries in progress and closes the connections. */
  readonly close: () => Promise<void>
}

export interface DatabaseLimits {
  /** How long a query may wait for a connection, and a transaction for its turn. */
  readonly waitLimitMs?: number
  /**
   * How long a statement may take: a network that drops packets silently never answers. Longer than PostgreSQL's own limits
   * (session.ts), which say what the matter is and leave the connection whole.
   */
  readonly queryLimitMs?: number
  /** How long a whole transaction may take. */
  readonly transactionLimitMs?: number
}

export interface DatabaseOptions extends DatabaseLimits {
  readonly url: string
  readonly poolSize: number
  /** Absent: no traces are kept. */
  readonly startStatement?: StartStatement | undefined
}

/** So that a database which moved to another address is followed, and pooled connections spread over it anew. */
const maxLifetimeSeconds = 1800

/** A pool of connections, opened when first used; those that break are replaced. */
export function connectDatabase({
  url,
  poolSize,
  waitLimitMs = 5000,
  queryLimitMs = 5000,
  transactionLimitMs = 12_000,
  startStatement,
}: DatabaseOptions): ConnectedDatabase {
  const { config, schema } = configuredConnections(url)
  let wasDiskFull = false
  const pool = createPool(
    {
      ...config,
      max: poolSize,
      connectionTimeoutMillis: waitLimitMs,
      query_timeout: queryLimitMs,
      maxLifetimeSeconds,
    },
    (error) => {
      if (isDiskFull(error)) wasDiskFull = true
    },
  )
  if (startStatement) tracePool(pool, startStatement)
  const adapter = {
    provider: 'postgres',
    adapterName: 'pg',
    async connect() {
      if (schema() === undefined) (await pool.connect()).release()
      // Prisma names the schema in each statement.
      return new PrismaPg(pool, { ...adapterOptions, schema: schema() as string }).connect()
    },
  } as const
  const client = new PrismaClient({
    adapter,
    // The default form quotes lines of our source.
    errorFormat: 'minimal',
    log: [],
    // The isolation level is stated by the connection: to name it here would cost a round trip each time.
    transactionOptions: { maxWait: waitLimitMs, timeout: transactionLimitMs },
  })
  const rawQueries = createRawQueries(pool)
  const db = new Proxy<Db>(client, {
    get: (target, name) => Reflect.get(Object.hasOwn(rawQueries, name) ? rawQueries : target, name),
  })
  const actionsOf = new WeakMap<Db, (() => void)[]>()

  return {
    db,
    async transaction(work) {
      const { result, actions } = await repeatConflicts(() =>
        client.$transaction(async (tx) => {
          const actions: (() => void)[] = []
          actionsOf.set(tx, actions)
          return { result: await work(tx), actions }
        }),
      )
      for (const action of actions) action()
      return result
    },
    afterCommit(tx, action) {
      const actions = actionsOf.get(tx)
      // Outside a transaction everything is committed already.
      if (actions) actions.push(action)
      else action()
    },
    async padWork(tx, item, work) {
      if (item !== undefined) await work(item)
      const actions = actionsOf.get(tx) ?? []
      const kept = actions.length
      // A part of the transaction and not one of its own, so that the commit has as much to write to the disk.
      await tx.$executeRaw`SAVEPOINT padding`
      if (item === undefined) await work(undefined)
      await tx.$executeRaw`ROLLBACK TO SAVEPOINT padding`
      actions.length = kept
    },
    async appliedMigrations() {
      // Locking no row at all is refused like a write where there may be none, and so ends connections that lead there.
      const rows = await db.$queryRaw<{ name: string }[]>`
        SELECT migration_name AS name FROM _prisma_migrations
        WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL
          AND NOT EXISTS (SELECT FROM users WHERE id IS NULL FOR UPDATE)`
      return rows.map(({ name }) => name)
    },
    load: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount, limit: poolSize }),
    async isDiskFull() {
      if (!wasDiskFull) return false
      try {
        await client.$transaction(writeAndRollBack)
      } catch (error) {
        if (isDiskFull(error)) return true
        if (error !== rolledBack) throw error
      }
      wasDiskFull = false
      return false
    },
    async close() {
      await client.$disconnect()
      // Not left to Prisma, which knows nothing of the pool before its own first statement.
      if (!pool.ending) await pool.end()
    },
  }
}

const rolledBack = new Error('rolled back')

/** More than the free space in the pages of a table, so that its files have to grow. */
async function writeAndRollBack(tx: Pick<Db, '$executeRaw'>): Promise<never> {
  await tx.$executeRaw`
    INSERT INTO _prisma_migrations (id, checksum, migration_name, logs)
    SELECT gen_random_uuid()::text, '', '', string_agg(md5(random()::text), '') FROM generate_series(1, 8192)`
  throw rolledBack
}

const adapterOptions = {
  onConnectionError: () => undefined,
}
