import { Client } from 'pg'
import { times } from '../support/answers.ts'
import type { DatabaseProxy } from '../support/database-proxy.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import type { Fault, RoundResult } from '../support/fault-round.ts'
import { survive } from '../support/fault-round.ts'
import type { PrivatePostgres } from '../support/private-postgres.ts'
import { startPrivatePostgres } from '../support/private-postgres.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

/** With more rounds, a table of the measurements is printed. */
const rounds = Number(process.env.FAULT_ROUNDS ?? 1)
const poolSize = 10

let postgres: PrivatePostgres
let proxy: DatabaseProxy
let server: TestServer
const table: Record<string, object> = {}
beforeAll(async () => {
  postgres = await startPrivatePostgres({ max_connections: '30', superuser_reserved_connections: '0' })
  proxy = await startDatabaseProxy(postgres.url)
  const settings = { DATABASE_URL: proxy.url, DATABASE_POOL: String(poolSize) }
  server = await startServer(settings, { databaseLimits: {} })
})
afterAll(async () => {
  await server.close()
  await proxy.cut()
  await postgres.end()
  if (rounds > 1) console.table(table)
})

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: postgres.url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

const others = `FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`

/** Runs a statement on a connection of its own. */
async function run(sql: string): Promise<void> {
  const client = await connect()
  await client.query(sql)
  await client.end()
}

async function lockTables(): Promise<() => Promise<void>> {
  const holder = await connect()
  await holder.query('BEGIN; LOCK TABLE users, sessions, events, mail_tokens IN ACCESS EXCLUSIVE MODE')
  return () => holder.end()
}

/** Opens as many connections as the pool holds. */
async function fillPool(): Promise<void> {
  await times(poolSize, () => server.database.transaction((tx) => tx.$queryRaw`SELECT pg_sleep(0.2)::text`))
}

const refusing = { serves: false, ready: false } as const

const faults: Readonly<Record<string, Fault>> = {
  'connections are terminated': {
    serves: true,
    ready: true,
    async begin() {
      await run(`SELECT pg_terminate_backend(pid) ${others}`)
      return async () => undefined
    },
  },
  'open connections are silent for ever, and new ones work': {
    serves: true,
    ready: true,
    async begin() {
      await fillPool()
      proxy.blackhole()
      await proxy.mend()
      return async () => undefined
    },
  },
  'the network drops every packet': {
    ...refusing,
    async begin() {
      proxy.blackhole()
      return proxy.mend
    },
  },
  'connections are refused': {
    ...refusing,
    async begin() {
      await proxy.cut()
      return proxy.mend
    },
  },
  'PostgreSQL is stopped and started': {
    ...refusing,
    async begin() {
      await postgres.stop()
      return postgres.start
    },
  },
  'PostgreSQL has no connection left': {
    ...refusing,
    async begin() {
      const admin = await connect()
      const taken: Client[] = []
      await admin.query(`SELECT pg_terminate_backend(pid) ${others}`)
      for (;;) {
        const client = await connect().catch(() => undefined)
        if (!client) break
        taken.push(client)
      }
      return () => Promise.all([admin, ...taken].map((client) => client.end()))
    },
  },
  'the pool is exhausted': {
    ...refusing,
    async begin() {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      const holding = Array.from({ length: poolSize }, () =>
        server.database.transaction(async (tx) => {
          await tx.$queryRaw`SELECT 1`
          await released
        }),
      )
      return async () => {
        release()
        await Promise.allSettled(holding)
      }
    },
  },
  'tables are locked': { serves: false, ready: false, begin: lockTables },
  'queries are cancelled': {
    ...refusing,
    async begin() {
      const unlock = await lockTables()
      const admin = await connect()
      let goesOn = true
      const cancelling = (async () => {
        while (goesOn) await admin.query(`SELECT pg_cancel_backend(pid) ${others} AND wait_event_type = 'Lock'`)
      })()
      return async () => {
        goesOn = false
        await cancelling
        await Promise.all([admin.end(), unlock()])
      }
    },
  },
  'the database is read-only': {
    serves: true,
    ready: false,
    async begin() {
      await run('ALTER SYSTEM SET default_transaction_read_only = on')
      await run('SELECT pg_reload_conf()')
      return async () => {
        await run('ALTER SYSTEM RESET default_transaction_read_only')
        await run('SELECT pg_reload_conf()')
      }
    },
  },
  'each answer takes two seconds': {
    serves: true,
    ready: true,
    async begin() {
      await fillPool()
      proxy.delay(1000)
      return proxy.mend
    },
  },
}

describe('no request fails in another way than 503, and the next one is served', () => {
  it.each(Object.entries(faults))(
    'when %s',
    async (name, fault) => {
      const results: RoundResult[] = []
      for (let round = 0; round < rounds; round += 1) results.push(await survive(server, fault))
      table[name] = summary(results)
    },
    60_000 + rounds * 60_000,
  )
})

function summary(results: readonly RoundResult[]): object {
  const most = (read: (result: RoundResult) => number) => Math.round(Math.max(...results.map(read)))
  return {
    rounds: results.length,
    requests: results.reduce((sum, { requests }) => sum + requests, 0),
    'answered 503': results.reduce((sum, { refused }) => sum + refused, 0),
    'longest wait (ms)': most(({ longestMs }) => longestMs),
    'first success after it (ms, most)': most(({ firstSuccessMs }) => firstSuccessMs),
  }
}
