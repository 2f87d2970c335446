import { Client } from 'pg'
import type { Db } from '../../../src/kernel/db.ts'
import { refusalOf, times } from '../../support/answers.ts'
import { breakConnections, freshDatabase, setDefault } from '../../support/database.ts'
import type { DatabaseProxy } from '../../support/database-proxy.ts'
import { startDatabaseProxy } from '../../support/database-proxy.ts'
import { endpoints, sampleBody } from '../../support/endpoints.ts'
import { exchange } from '../../support/exchange.ts'
import type { User } from '../../support/fixtures.ts'
import { givenUser, randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let proxy: DatabaseProxy
let server: TestServer
let user: User
beforeAll(async () => {
  proxy = await startDatabaseProxy(await freshDatabase())
  server = await startServer({ DATABASE_URL: proxy.url })
  user = await givenUser(server)
})
afterAll(async () => {
  await server.close()
  await proxy.cut()
})

const ask = (path: string, method = 'GET') => exchange(server.url, path, { method })

async function whileCutOff(work: () => Promise<void>): Promise<void> {
  await proxy.cut()
  try {
    await work()
  } finally {
    await proxy.mend()
  }
}

describe('GET /healthz', () => {
  it('says that the process lives, with or without a database', async () => {
    const check = async () => {
      const { status, body } = await ask('/healthz')
      expect([status, body]).toEqual([200, { status: 'ok' }])
    }
    await check()
    await whileCutOff(check)
  })

  it('answers nothing but GET and HEAD', async () => {
    expect((await ask('/healthz', 'HEAD')).status).toBe(200)
    const answer = await ask('/healthz', 'POST')
    expect(answer.headers.allow).toBe('GET, HEAD')
    expect(refusalOf(answer)).toBe('405 method_not_allowed')
  })
})

describe('GET /readyz', () => {
  it('says whether the server can serve: not while its database is away, and again when it is back', async () => {
    expect((await ask('/readyz')).body).toEqual({ status: 'ready' })
    await whileCutOff(async () => {
      const { status, headers, body } = await ask('/readyz')
      expect([status, body]).toEqual([503, { status: 'not ready', problem: 'the database cannot be reached' }])
      expect(headers['retry-after']).toBe('1')
    })
    expect((await ask('/readyz')).status).toBe(200)
  })

  it('says that migrations are pending, and that the server is stopping', async () => {
    await withServer({}, async (other) => {
      const problem = async () => (await other.send('GET', '//readyz')).body.problem
      await other.database.db.$executeRaw`UPDATE _prisma_migrations SET rolled_back_at = now()`
      expect(await problem()).toBe('migrations are pending')
      other.markNotReady()
      expect(await problem()).toBe('the server is stopping')
      expect((await other.send('GET', '//healthz')).status).toBe(200)
    })
  })

  it('asks the database once for all that ask at the same time', async () => {
    const { DATABASE_URL: connectionString } = server.settings
    const [holder, watcher] = [new Client({ connectionString }), new Client({ connectionString })]
    await Promise.all([holder.connect(), watcher.connect()])
    const countWaiting = async () => {
      const { rowCount } = await watcher.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rowCount
    }
    try {
      await holder.query('BEGIN; LOCK _prisma_migrations')
      const asking = times(20, () => ask('/readyz'))
      while ((await countWaiting()) === 0);
      await times(20, () => ask('/healthz'))
      expect(await countWaiting()).toBe(1)
      await holder.query('ROLLBACK')
      expect(new Set((await asking).map(({ status }) => status))).toEqual(new Set([200]))
    } finally {
      await Promise.all([holder.end(), watcher.end()])
    }
  })

  it('answers nothing but GET and HEAD', async () => {
    expect(refusalOf(await ask('/readyz', 'DELETE'))).toBe('405 method_not_allowed')
  })
})

async function someoneWaitsForSessions(tx: Db): Promise<boolean> {
  const locks = await tx.$queryRaw<object[]>`
    SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'sessions'::regclass`
  return locks.length > 0
}

describe('with a database that takes no writes', () => {
  it('is not ready, refuses what writes, and follows when new connections lead to one that takes writes', async () => {
    await withServer({ DATABASE_POOL: '5' }, async (other) => {
      const { username, password } = await givenUser(other)
      const url = other.settings.DATABASE_URL ?? ''
      const problem = async () => (await other.send('GET', '//readyz')).body.problem
      const write = () =>
        times(6, (index) =>
          index % 2 === 0
            ? other.send('POST', '/login_credentials', { body: { username, password } })
            : other.send('POST', '/register_credentials', { body: randomUser() }),
        )
      await setDefault(url, 'default_transaction_read_only', 'on')
      await breakConnections(url)
      for (const answer of await write()) {
        expect(refusalOf(answer)).toBe('503 database_unavailable')
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      }
      expect(await problem()).toBe('the database takes no writes')

      // Five connections that stay open to the old node, although the address leads to another one from now on.
      await times(5, () => other.database.transaction((tx) => tx.$queryRaw`SELECT pg_sleep(0.2)::text`))
      await setDefault(url, 'default_transaction_read_only', 'off')
      expect(await problem()).toBe('the database takes no writes')
      expect(await problem()).toBeUndefined()
      expect((await write()).map(({ status }) => status)).toEqual([200, 201, 200, 201, 200, 201])
    })
  })
})

describe('without its database', () => {
  it('every endpoint says that it cannot serve now and when to come back, and serves when the database is back', async () => {
    const tokens = { refresh_token: user.refresh_token, token: user.access_token }
    await whileCutOff(async () => {
      for (const target of endpoints) {
        const headers = { Authorization: `Bearer ${user.access_token}`, 'Content-Type': 'application/json' }
        const fields = sampleBody(target)
        for (const [name, token] of Object.entries(tokens)) if (name in fields) fields[name] = token
        const { method, path } = target
        const answer = await exchange(server.url, path, { method, headers, body: JSON.stringify(fields) })
        expect([target.route, answer.status]).toEqual([target.route, 503])
        expect(refusalOf(answer)).toBe('503 database_unavailable')
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
      }
    })
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
  })

  it('each such request is logged as a warning at most, without the address of the database', async () => {
    const linesBefore = server.logged.length
    await whileCutOff(async () => {
      await server.send('GET', '/session', { token: user.access_token })
    })
    const lines = server.logged.slice(linesBefore)
    expect(lines.map((line) => JSON.parse(line)).map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the database cannot be reached'],
      ['info', 'request'],
    ])
    expect(lines.join('')).not.toContain(new URL(proxy.url).password)
  })

  it('requests that are refused without the database are refused as usual', async () => {
    await whileCutOff(async () => {
      expect(refusalOf(await ask('/nowhere'))).toBe('404 not_found')
      expect(refusalOf(await ask('/api/v1/auth/session'))).toBe('401 unauthenticated')
      const malformed = await server.send('POST', '/login_credentials', { body: { username: 1 } })
      expect(refusalOf(malformed)).toBe('400 invalid_request #/username invalid_type #/password required')
    })
  })

  it('requests in flight get the same answer when the connection breaks under them', async () => {
    // Makes everything that reads a session wait in the middle of a query.
    const holding = server.database.transaction(async (tx) => {
      await tx.$executeRaw`LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE`
      const waiting = times(3, () => server.send('GET', '/session', { token: user.access_token }))
      while (!(await someoneWaitsForSessions(tx)));
      await whileCutOff(async () => {
        for (const answer of await waiting) expect(refusalOf(answer)).toBe('503 database_unavailable')
      })
    })
    await expect(holding).rejects.toThrow()
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
  })
})
