import { request } from 'node:http'
import { contracts } from '../../../src/contracts/index.ts'
import { refusalOf } from '../../support/answers.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser } from '../../support/fixtures.ts'
import { productionSettings } from '../../support/production.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

type Counters = ReadonlyMap<string, number>

const line = /^auth_requests_total\{contract="([\w-]+)",endpoint="(\w+)",status="(\w+)"\} (\d+)$/

/** The series whose lines begin like this. */
async function seriesOf({ url }: TestServer, beginning: string): Promise<string[]> {
  const { text } = await exchange(url, '/metrics')
  return text.split('\n').filter((candidate) => candidate.startsWith(beginning))
}

/** The counters, named such as `v1 logIn 2xx`; fails on a line that is none. */
async function countersOf(measured: TestServer): Promise<Counters> {
  const lines = await seriesOf(measured, 'auth_requests_total')
  return new Map(
    lines.map((candidate) => {
      const [, contract, endpoint, status, count] = line.exec(candidate) ?? []
      if (count === undefined) throw new Error(`no counter: ${candidate}`)
      return [`${contract} ${endpoint} ${status}`, Number(count)]
    }),
  )
}

/** The counters that the work adds; a request is counted when it is logged, after its answer is sent. */
async function addedBy(requests: number, work: () => Promise<unknown>): Promise<Record<string, number>> {
  const isRequest = (entry: string) => JSON.parse(entry).message === 'request' && !entry.includes('"/metrics"')
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
    const { status, headers, text } = await exchange(server.url, '/metrics')
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
    await withServer({}, async (fresh) => {
      const counters = await countersOf(fresh)
      const declared = contracts.flatMap(({ name, rows }) =>
        rows.flatMap(({ endpoint }) => ['2xx', '4xx', '5xx'].map((status) => `${name} ${endpoint.name} ${status}`)),
      )
      expect([...counters.keys()].sort()).toEqual([...new Set(declared)].sort())
      expect(new Set(counters.values())).toEqual(new Set([0]))
    })
  })

  it('reports nothing of a contract that is switched off', async () => {
    await withServer({ CONTRACTS: 'drf', FRONTEND_URL: 'https://app.example.com' }, async (other) => {
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
    withServer({ HASH_QUEUE: '7' }, async (other) => {
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

  it('answers GET and HEAD only', async () => {
    const head = await exchange(server.url, '/metrics', { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    const answer = await exchange(server.url, '/metrics', { method: 'POST' })
    expect(refusalOf(answer)).toBe('405 method_not_allowed')
    expect(answer.headers.allow).toBe('GET, HEAD')
  })
})

describe('METRICS', () => {
  const absent = async ({ url }: TestServer) => {
    expect(refusalOf(await exchange(url, '/metrics'))).toBe('404 not_found')
  }

  it('off: nothing is reported', () => withServer({ METRICS: 'off' }, absent))

  it('absent in production: nothing is reported either', () => withServer(productionSettings, absent))

  it('on in production: the metrics are reported', () =>
    withServer({ ...productionSettings, METRICS: 'on' }, async ({ url }) => {
      expect((await exchange(url, '/metrics')).status).toBe(200)
    }))
})
