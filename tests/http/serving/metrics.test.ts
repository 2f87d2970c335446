import { request } from 'node:http'
import { contracts } from '../../../src/contracts/index.ts'
import { features } from '../../../src/features/index.ts'
import { refusalOf } from '../../support/answers.ts'
import { withClient } from '../../support/database.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

const measured = { METRICS_PORT: '9' }

let server: TestServer
beforeAll(async () => {
  server = await startServer(measured)
})
afterAll(() => server.close())

type Counters = ReadonlyMap<string, number>

const line = /^auth_requests_total\{contract="([\w-]+)",endpoint="(\w+)",status="(\w+)"\} (\d+)$/

/** The series whose lines begin like this. */
async function seriesOf({ metricsUrl }: TestServer, beginning: string): Promise<string[]> {
  const { text } = await exchange(metricsUrl, '/metrics')
  return text.split('\n').filter((candidate) => candidate.startsWith(beginning))
}

/** The counters, named such as `v1 logIn 2xx`; fails on a line that is none. */
async function countersOf(one: TestServer): Promise<Counters> {
  const lines = await seriesOf(one, 'auth_requests_total{')
  return new Map(
    lines.map((candidate) => {
      const [, contract, endpoint, status, count] = line.exec(candidate) ?? []
      if (count === undefined) throw new Error(`no counter: ${candidate}`)
      return [`${contract} ${endpoint} ${status}`, Number(count)]
    }),
  )
}

/** The value of the one series that is written like this; 0 where there is none. */
async function readValue(one: TestServer, series: string): Promise<number> {
  const [found] = await seriesOf(one, `${series} `)
  return Number(found?.split(' ').at(-1) ?? 0)
}

const times6 = Array.from({ length: 6 })

/** The counters that the work adds; a request is counted when it is logged, after its answer is sent. */
async function addedBy(requests: number, work: () => Promise<unknown>): Promise<Record<string, number>> {
  const isRequest = (entry: string) => JSON.parse(entry).message === 'request'
  const before = await countersOf(server)
  const wanted = server.logged.filter(isRequest).length + requests
  await work()
  while (server.logged.filter(isRequest).length < wanted) await new Promise((resolve) => setImmediate(resolve))
  const after = [...(await countersOf(server))]
  return Object.fromEntries(
    after.map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const).filter(([, more]) => more > 0),
  )
}

const post = (path: string, body: object = {}) => server.send('POST', `/${path}`, { body })

describe('GET /metrics', () => {
  it('reports in the text format of Prometheus the requests of each endpoint of each contract', async () => {
    const { status, headers, text } = await exchange(server.metricsUrl, '/metrics')
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(text).toMatch(/^# HELP auth_requests_total .+\n# TYPE auth_requests_total counter\nauth_requests_total\{/)
    expect(text.endsWith('\n')).toBe(true)
  })

  it('counts by contract, endpoint and class of status', async () => {
    const { username, password, access_token } = await givenUser(server)
    const added = await addedBy(6, async () => {
      await post('/api/v1/drf/auth/login/', { email: `${username}@example.com`, password })
      await post('/api/v1/auth/login_credentials', { username, password })
      await post('/api/v1/auth/login_credentials', { username, password: 'wrong' })
      await post('/api/login/', { username, password: 'wrong' })
      await post('/api/login', { username: 5 })
      await server.send('GET', '/profile', { token: access_token })
    })
    expect(added).toEqual({
      'drf logIn 2xx': 1,
      'v1 logIn 2xx': 1,
      'v1 logIn 4xx': 1,
      'simple-jwt logIn 4xx': 2,
      'v1 readProfile 2xx': 1,
    })
  })

  it('reports 0 for every endpoint without a request', async () => {
    await withServer(measured, async (fresh) => {
      const counters = await countersOf(fresh)
      const declared = contracts.flatMap(({ name, rows }) =>
        rows.flatMap(({ endpoint }) => ['2xx', '4xx', '5xx'].map((status) => `${name} ${endpoint.name} ${status}`)),
      )
      expect([...counters.keys()].sort()).toEqual([...new Set(declared)].sort())
      expect(new Set(counters.values())).toEqual(new Set([0]))
    })
  })

  it('reports nothing of a contract that is switched off', async () => {
    await withServer({ ...measured, CONTRACTS: 'drf', FRONTEND_URL: 'https://app.example.com' }, async (other) => {
      const names = [...(await countersOf(other)).keys()].map((name) => name.split(' ')[0])
      expect(new Set(names)).toEqual(new Set(['drf']))
    })
  })

  it('does not count paths that no contract declares, so that no client can make counters', async () => {
    const added = await addedBy(5, async () => {
      await post('/nowhere')
      await post('/api/v1/auth/nowhere')
      await post('/api/auth/nowhere"}')
      await server.send('GET', '/login_credentials')
      await server.send('OPTIONS', '/login_credentials')
    })
    expect(added).toEqual({})
  })

  it('counts the requests of an endpoint under one name, whatever stands in their paths', async () => {
    const added = await addedBy(2, async () => {
      await server.send('DELETE', '/sessions/one')
      await server.send('DELETE', '/sessions/two')
    })
    expect(added).toEqual({ 'v1 endSession 4xx': 2 })
  })

  it('counts requests apart whose client left before the answer', async () => {
    const added = await addedBy(1, async () => {
      const headers = { 'Content-Type': 'application/json', 'Content-Length': '1000' }
      const leaving = request(`${server.url}/api/v1/auth/login_credentials`, { method: 'POST', headers })
      leaving.on('error', () => undefined)
      await new Promise((resolve) => leaving.write('{', resolve))
      leaving.destroy()
    })
    expect(added).toEqual({ 'v1 logIn none': 1 })
  })

  it('measures how long answers take, by contract, endpoint and class of status', async () => {
    const bucket =
      'auth_request_duration_seconds_bucket{le="+Inf",contract="v1",endpoint="forgotPassword",status="4xx"}'
    const count = async () => Number((await seriesOf(server, bucket))[0]?.split(' ').at(-1) ?? 0)
    const before = await count()
    await addedBy(2, async () => {
      await post('/api/v1/auth/forgot_password', { email: 5 })
      await post('/api/v1/auth/forgot_password', { email: 5 })
    })
    expect(await count()).toBe(before + 2)
    expect(await seriesOf(server, 'auth_request_duration_seconds_sum{contract="v1"')).not.toEqual([])
  })

  it('reports how many passwords wait to be hashed, are being hashed, and can wait', () =>
    withServer({ ...measured, HASH_QUEUE: '7' }, async (other) => {
      expect(await seriesOf(other, 'auth_hash_queue')).toEqual([
        'auth_hash_queue_waiting 0',
        'auth_hash_queue_running 0',
        'auth_hash_queue_limit 7',
      ])
    }))

  it('reports the resources that the process uses', async () => {
    const names = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds']
    for (const name of names) expect(await seriesOf(server, name)).toEqual([expect.stringMatching(/^\w+ [\d.]+$/)])
    expect(await seriesOf(server, 'nodejs_eventloop_utilization')).toEqual([
      expect.stringMatching(/ [01](\.\d+)?(e-\d+)?$/),
    ])
  })

  it('counts refusals by endpoint and code', async () => {
    const wrong = () => post('/api/v1/auth/login_credentials', { username: 'unregistered', password: 'wrong' })
    const before = await readValue(server, 'auth_refusals_total{endpoint="logIn",code="credentials_invalid"}')
    await addedBy(2, async () => {
      await wrong()
      await wrong()
    })
    expect(await readValue(server, 'auth_refusals_total{endpoint="logIn",code="credentials_invalid"}')).toBe(before + 2)
  })

  it('counts attempts to prove a password by what was wrong, which no answer tells', async () => {
    const outcomes = async () =>
      Object.fromEntries(
        (await seriesOf(server, 'auth_password_attempts_total{')).map((series) => [
          /"(\w+)"/.exec(series)?.[1] ?? '',
          Number(series.split(' ').at(-1)),
        ]),
      )
    const logIn = (username: string, password: string) => post('/api/v1/auth/login_credentials', { username, password })
    const [{ username, password }, disabled] = [await givenUser(server), await givenUser(server)]
    await server.database.db.user.updateMany({
      where: { username: disabled.username },
      data: { disabledAt: server.now() },
    })
    const before = await outcomes()
    await logIn(username, password)
    await logIn('unregistered', 'wrong')
    await logIn(disabled.username, disabled.password)
    for (const _failure of times6) await logIn(username, 'wrong')
    const after = await outcomes()
    expect(Object.keys(before)).toEqual(['right', 'wrong', 'unknown_user', 'disabled_user', 'throttled'])
    expect(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)])).toEqual([
      ['right', 1],
      ['wrong', 5],
      ['unknown_user', 1],
      ['disabled_user', 1],
      ['throttled', 1],
    ])
  })

  it('counts the events of the audit trail, reused refresh tokens among them', async () => {
    const { refresh_token } = await givenUser(server)
    const reused = 'auth_events_total{event="refresh_token_reused"}'
    const before = await readValue(server, reused)
    const refresh = (token: string) => server.send('POST', '/access_token', { body: { refresh_token: token } })
    await refresh((await refresh(refresh_token)).body.refresh_token)
    await refresh(refresh_token)
    expect(await readValue(server, reused)).toBe(before + 1)
    expect(await readValue(server, 'auth_events_total{event="login_succeeded"}')).toBeGreaterThan(0)
  })

  it('reports 0 for every kind of event and every table that is cleaned', async () => {
    await withServer(measured, async (fresh) => {
      const declared = features.flatMap(({ events = {} }) => Object.keys(events))
      expect((await seriesOf(fresh, 'auth_events_total{')).sort()).toEqual(
        declared.map((name) => `auth_events_total{event="${name}"} 0`).sort(),
      )
      expect(await seriesOf(fresh, 'auth_clean_up_rows_total{')).toContain(
        'auth_clean_up_rows_total{table="sessions"} 0',
      )
      expect(await seriesOf(fresh, 'auth_clean_up_last_success')).toEqual([])
    })
  })

  it('reports what the deletion of old rows did and when it last came to its end', async () => {
    await withServer(measured, async (fresh) => {
      await givenUser(fresh)
      fresh.pass('100d')
      await fresh.services.cleanUp.run()
      expect(await readValue(fresh, 'auth_clean_up_rows_total{table="sessions"}')).toBe(1)
      const last = await readValue(fresh, 'auth_clean_up_last_success_timestamp_seconds{table="sessions"}')
      expect(Math.abs(Date.now() / 1000 - last)).toBeLessThan(300)
    })
  })

  it('reports the mails that wait, the age of the oldest, and the attempts to send them', async () => {
    await withServer(measured, async (fresh) => {
      await givenUser(fresh)
      fresh.pass('10m')
      const [queued] = await seriesOf(fresh, 'auth_mails{state="queued"}')
      expect(queued).toMatch(/ 1$/)
      const age = await readValue(fresh, 'auth_mails_oldest_age_seconds{state="queued"}')
      expect(Math.round(age / 60)).toBe(10)
      await fresh.mails()
      expect(await seriesOf(fresh, 'auth_mails_total')).toEqual([
        'auth_mails_total{outcome="sent"} 1',
        'auth_mails_total{outcome="failed"} 0',
        'auth_mails_total{outcome="abandoned"} 0',
        'auth_mails_total{outcome="dropped"} 0',
      ])
    })
  })

  it('reports the connections to the database', async () => {
    await withServer({ ...measured, DATABASE_POOL: '3' }, async (fresh) => {
      await givenUser(fresh)
      expect(await seriesOf(fresh, 'auth_database_connections_limit')).toEqual(['auth_database_connections_limit 3'])
      expect(await readValue(fresh, 'auth_database_connections{state="idle"}')).toBeGreaterThan(0)
      expect(await seriesOf(fresh, 'auth_database_waiting')).toEqual(['auth_database_waiting 0'])
    })
  })

  it('reports all but the mails while the database does not answer for them', async () => {
    await withServer(measured, async (fresh) => {
      await withClient(fresh.settings.DATABASE_URL ?? '', (client) => client.query('DROP TABLE outbox_mails'))
      expect(await seriesOf(fresh, 'auth_mails{')).toEqual([])
      expect(await seriesOf(fresh, 'auth_hash_queue_waiting')).toHaveLength(1)
    })
  })

  it('reports how long passwords waited and how late the event loop is', async () => {
    const before = await readValue(server, 'auth_hash_wait_seconds_count')
    await givenUser(server)
    expect(await readValue(server, 'auth_hash_wait_seconds_count')).toBeGreaterThan(before)
    expect(await seriesOf(server, 'nodejs_eventloop_lag_')).toHaveLength(2)
  })

  it('answers GET and HEAD only', async () => {
    const head = await exchange(server.metricsUrl, '/metrics', { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    const { status, headers } = await exchange(server.metricsUrl, '/metrics', { method: 'POST' })
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD'])
    expect((await exchange(server.metricsUrl, '/')).status).toBe(404)
  })

  it('is not on the port of clients', async () => {
    expect(refusalOf(await exchange(server.url, '/metrics'))).toBe('404 not_found')
  })
})
