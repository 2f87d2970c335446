import { Client } from 'pg'
import { applyMigrations } from '../../src/platform/database/migrations.ts'
import { runSql } from '../support/catalog.ts'
import { emptyDatabase, freshDatabase, givenOwnRole, setDefaults } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import { startPgbouncer } from '../support/pgbouncer.ts'
import { endProcesses, processKey, startProcess, until } from '../support/process.ts'
import { endPrograms } from '../support/program.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { liveWholeLife } from '../support/whole-life.ts'

const servers: TestServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
  await endProcesses()
  await endPrograms()
})

async function givenServer(url: string): Promise<TestServer> {
  const server = await startServer({ DATABASE_URL: url })
  servers.push(server)
  return server
}

describe('through PgBouncer in transaction mode', () => {
  it.each([
    ['its usual defaults', {}],
    ['a time zone that is not UTC', { TimeZone: 'Asia/Kolkata' }],
    ['transactions that are repeatable read', { default_transaction_isolation: 'repeatable read' }],
    ['transactions that are serializable', { default_transaction_isolation: 'serializable' }],
    [
      'other forms of values',
      {
        DateStyle: 'SQL, DMY',
        IntervalStyle: 'sql_standard',
        bytea_output: 'escape',
        client_encoding: 'LATIN1',
        standard_conforming_strings: 'off',
      },
    ],
    ['a limit of idle transactions', { idle_in_transaction_session_timeout: '300ms', lock_timeout: '1s' }],
  ])('two instances serve whole lives on a PostgreSQL with %s', async (_what, defaults) => {
    const direct = await freshDatabase()
    await setDefaults(direct, defaults)
    const url = await startPgbouncer(direct)
    const instances = [await givenServer(url), await givenServer(url)]
    // Each server also sends mails of the other.
    const mails = async () => {
      const sent = []
      for (const instance of instances) sent.push(...(await instance.mails()))
      return sent
    }
    await Promise.all(instances.map((instance) => liveWholeLife({ ...instance, mails }, direct)))
  })

  it.each([
    ['a wrong password', (url: URL) => (url.password = 'hidden')],
    ['an unknown user', (url: URL) => (url.username = 'missing_role')],
  ])('the start ends at once with %s', async (_what, spoil) => {
    const url = new URL(await startPgbouncer(await freshDatabase(), 'md5'))
    spoil(url)
    const server = startProcess({ ...processKey, DATABASE_URL: url.href, DATABASE_WAIT: '1h' })
    expect(await server.exit).toBe(1)
    expect(server.stderr()).toMatch(/^The database cannot be reached: /)
    expect(server.stdout() + server.stderr()).not.toContain('hidden')
  })

  it.each([
    ['the role has a schema of its name', 'CREATE SCHEMA AUTHORIZATION :role', ''],
    ["the address has Prisma's parameter", '', '?schema=own'],
  ])('uses another schema than public where %s', async (_where, preparation, addition) => {
    const { url, adminUrl, name } = await givenOwnRole()
    await runSql(adminUrl, preparation.replaceAll(':role', name))
    const pooled = `${await startPgbouncer(url)}${addition}`
    expect(await applyMigrations({ url: pooled })).not.toEqual([])
    const server = await givenServer(pooled)
    expect((await exchange(server.url, '/readyz')).body).toEqual({ status: 'ready' })
    await liveWholeLife(server, adminUrl, addition ? 'own' : name)
    const inPublic = `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname`
    expect(await runSql(adminUrl, inPublic)).toEqual([{ relname: '_prisma_migrations' }, { relname: 'users' }])
  })

  it('limits statements, locks and idle transactions in each transaction, and changes nothing for others', async () => {
    const direct = await freshDatabase()
    const url = await startPgbouncer(direct)
    const { database } = await givenServer(url)
    const limits = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
    await database.transaction(async (tx) => {
      const rows = await tx.$queryRaw`SELECT name, setting FROM pg_settings WHERE name = ANY(${limits}) ORDER BY name`
      expect(rows).toEqual([
        { name: 'idle_in_transaction_session_timeout', setting: '20000' },
        { name: 'lock_timeout', setting: '3000' },
        { name: 'statement_timeout', setting: '4000' },
      ])
    })
    // The same pool of PgBouncer, and so the same connection to PostgreSQL.
    const other = await runSql(url, `SELECT setting FROM pg_settings WHERE name = 'statement_timeout'`)
    expect(other).toEqual([{ setting: '0' }])
    expect(await runSql(url, 'SELECT name FROM pg_prepared_statements')).toEqual([])
  })

  it('starts one instance after the other, and leaves no lock behind', async () => {
    const direct = await emptyDatabase()
    const env = { ...processKey, DATABASE_URL: await startPgbouncer(direct) }
    for (let count = 0; count < 3; count += 1) {
      const url = await startProcess(env).ready
      await until(async () => (await exchange(url, '/readyz')).status === 200)
    }
    expect(await runSql(direct, `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 72707369`)).toEqual(
      [],
    )
  })

  it('logs who holds the lock that it waits for', async () => {
    const direct = await emptyDatabase()
    const url = await startPgbouncer(direct)
    const holder = new Client({ connectionString: direct, application_name: 'another tool' })
    await holder.connect()
    const { rows } = await holder.query('SELECT pg_advisory_lock(72707369), pg_backend_pid() AS pid')
    const server = startProcess({ ...processKey, DATABASE_URL: url })
    await until(async () => server.stdout().includes('another tool'))
    expect(server.stdout()).toContain(`"holder_pid":${rows[0]?.pid}`)
    await holder.end()
    await server.ready
  })
})

describe('on a direct connection', () => {
  it('statements are prepared once', async () => {
    const { database } = await givenServer(await freshDatabase())
    await database.transaction(async (tx) => {
      await tx.user.findMany()
      const [row] = await tx.$queryRaw<[{ count: number }]>`SELECT count(*)::integer FROM pg_prepared_statements`
      expect(row?.count).toBeGreaterThan(0)
    })
  })

  it("and not where Prisma's parameter says that there is a pooler", async () => {
    const { database } = await givenServer(`${await freshDatabase()}?pgbouncer=true`)
    await database.transaction(async (tx) => {
      await tx.user.findMany()
      expect(await tx.$queryRaw`SELECT name FROM pg_prepared_statements`).toEqual([])
    })
  })
})
