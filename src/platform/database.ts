import { createHash } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../generated/prisma/client.ts'
import type { Database, Db } from '../kernel/db.ts'

export interface ConnectedDatabase extends Database {
  /** The names of the migrations that the database has. */
  readonly appliedMigrations: () => Promise<string[]>
  /** Waits for the queries in progress and closes the connections. */
  readonly close: () => Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  readonly poolSize: number
  /** How long a query may wait for a connection, and a transaction for its turn. */
  readonly waitLimitMs?: number
}

/** A pool of connections, opened when first used; those that break are replaced. */
export function connectDatabase({ url, poolSize, waitLimitMs = 10_000 }: DatabaseOptions): ConnectedDatabase {
  const adapter = new PrismaPg(
    {
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: waitLimitMs,
      keepAlive: true,
      application_name: 'auth-server',
    },
    // An idle connection breaks whenever PostgreSQL restarts; the pool drops it, and who asks next learns the state.
    {
      onPoolError: () => undefined,
      onConnectionError: () => undefined,
      statementNameGenerator: createStatementNames(),
    },
  )
  const client = new PrismaClient({
    adapter,
    // The default form quotes lines of our source.
    errorFormat: 'minimal',
    log: [],
    // The isolation is PostgreSQL's default, READ COMMITTED: to name it would cost a round trip each time.
    transactionOptions: { maxWait: waitLimitMs, timeout: 15_000 },
  })
  const actionsOf = new WeakMap<Db, (() => void)[]>()

  return {
    db: client,
    async transaction(work) {
      const actions: (() => void)[] = []
      const result = await client.$transaction((tx) => {
        actionsOf.set(tx, actions)
        return work(tx)
      })
      for (const action of actions) action()
      return result
    },
    afterCommit(tx, action) {
      const actions = actionsOf.get(tx)
      // Outside a transaction everything is committed already.
      if (actions) actions.push(action)
      else action()
    },
    async evenly(tx, times, items, work) {
      for (const item of items) await work(item)
      const actions = actionsOf.get(tx) ?? []
      const meant = actions.length
      // A part of the transaction and not one of its own, so that the commit has as much to write to the disk.
      await tx.$executeRaw`SAVEPOINT nobody`
      for (let missing = times - items.length; missing > 0; missing -= 1) await work(undefined)
      await tx.$executeRaw`ROLLBACK TO SAVEPOINT nobody`
      actions.length = meant
    },
    async appliedMigrations() {
      const rows = await client.$queryRaw<{ name: string }[]>`
        SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`
      return rows.map(({ name }) => name)
    },
    async close() {
      await client.$disconnect()
    },
  }
}

const mostStatements = 500

/**
 * Names queries, so that PostgreSQL parses and plans each once per connection. By their text, as a pooler may share a
 * connection among instances; and not without end, as some texts grow with the number of values.
 */
function createStatementNames(): (query: { sql: string }) => string {
  const names = new Map<string, string>()
  return ({ sql }) => {
    const known = names.get(sql)
    if (known !== undefined || names.size === mostStatements) return known ?? ''
    const name = createHash('sha256').update(sql).digest('hex').slice(0, 32)
    names.set(sql, name)
    return name
  }
}
