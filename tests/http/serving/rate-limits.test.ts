import { createLimiters } from '../../../src/http/serving/rate-limits.ts'
import { refusalOf, times } from '../../support/answers.ts'
import { usualBudget } from '../../support/budgets.ts'
import { endpoints, targets } from '../../support/endpoints.ts'
import { exchange } from '../../support/exchange.ts'
import { randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ RATE_LIMITS: 'on', TRUST_PROXY: '1' })
})
afterAll(() => server.close())

const limited = endpoints.map(({ name, method, path, limit }) => ({
  name,
  method,
  path,
  bucket: limit.bucket,
  rateClass: limit.class,
  budget: usualBudget(limit.class),
}))

/** New client addresses, so that tests share a server without sharing a budget. */
let clients = 0
function newAddress(): string {
  clients += 1
  return `203.0.${Math.floor(clients / 250)}.${(clients % 250) + 1}`
}

interface Route {
  readonly method: string
  readonly path: string
}
const logIn: Route = { method: 'POST', path: '/api/v1/auth/login_credentials' }
const verifyToken: Route = { method: 'POST', path: '/api/v1/auth/verify_token' }

const ask = ({ method, path }: Route, address: string, on = server) =>
  exchange(on.url, path, { method, headers: { 'X-Forwarded-For': address } })

async function spend(route: Route, address: string, budget: number, on = server): Promise<void> {
  const answers = await times(budget, () => ask(route, address, on))
  expect(answers.filter(({ status }) => status === 429)).toEqual([])
}

describe('the budget of an endpoint', () => {
  it.each(limited)(
    '$name: $budget requests a minute, told with every answer',
    async ({ method, path, bucket, budget }) => {
      const { headers, status } = await ask({ method, path }, newAddress())
      expect(status).toBeLessThan(429)
      expect(headers.ratelimit).toMatch(new RegExp(`^"${bucket}"; r=${budget - 1}; t=(60|59)$`))
      expect(headers['ratelimit-policy']).toMatch(new RegExp(`^"${bucket}"; q=${budget}; w=60;`))
      expect(headers['x-ratelimit-limit']).toBeUndefined()
    },
  )

  it('counts an address once, whatever port a proxy writes behind it', async () => {
    const address = newAddress()
    const answers = await times(31, (index) => ask(logIn, `${address}:${1024 + index}`))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
  })

  it('counts a forwarded text that is no address as the address of the proxy, and stores it nowhere', async () => {
    const ask = (forwarded: string) =>
      exchange(server.url, '/api/v1/auth/register_credentials', {
        method: 'POST',
        headers: { 'X-Forwarded-For': forwarded, 'Content-Type': 'application/json' },
        body: JSON.stringify(randomUser()),
      })
    for (const forwarded of ['http://evil.example/click', '203.0.113.300', 'unknown', '[::1', '']) {
      const { body } = await ask(forwarded)
      const session = await server.send('GET', '/session', { token: body.access_token })
      expect(session.body.session.ip).toBe('127.0.0.1')
    }
    const { body } = await ask('[2001:db8::7]:4711')
    const session = await server.send('GET', '/session', { token: body.access_token })
    expect(session.body.session.ip).toBe('2001:db8::7')
  })

  it('ends with a 429 that says when to come back', async () => {
    const address = newAddress()
    await spend(logIn, address, 30)
    const answer = await ask(logIn, address)
    expect(refusalOf(answer)).toBe('429 rate_limited')
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect(answer.headers.ratelimit).toMatch(/^"logIn"; r=0; t=\d+$/)
  })

  it('is counted before anything else is looked at', async () => {
    const address = newAddress()
    await spend(logIn, address, 30)
    const headers = { 'X-Forwarded-For': address, 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }
    const answer = await exchange(server.url, logIn.path, { method: 'POST', headers, body: 'x'.repeat(20_000) })
    expect(refusalOf(answer)).toBe('429 rate_limited')
  })

  it('holds for requests at the same time: of 60, 30 pass', async () => {
    const address = newAddress()
    const answers = await times(60, () => ask(logIn, address))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30)
  })

  it("is its own: another endpoint's is untouched, and so is another address'", async () => {
    const address = newAddress()
    await spend(logIn, address, 30)
    expect((await ask(logIn, address)).status).toBe(429)
    expect((await ask(verifyToken, address)).status).toBe(400)
    expect((await ask({ method: 'POST', path: '/api/v1/auth/refresh_token' }, address)).status).toBe(400)
    expect((await ask(logIn, newAddress())).status).toBe(400)
  })

  it('is shared by GET and HEAD, and untouched by preflights and refused methods', async () => {
    const [address, path] = [newAddress(), '/api/v1/auth/session']
    await ask({ method: 'HEAD', path }, address)
    await ask({ method: 'OPTIONS', path }, address)
    await ask({ method: 'POST', path }, address)
    expect((await ask({ method: 'GET', path }, address)).headers.ratelimit).toMatch(/; r=598;/)
  })

  it('is not mentioned where nothing is limited', async () => {
    const { headers } = await ask({ method: 'GET', path: '/healthz' }, newAddress())
    expect(headers.ratelimit).toBeUndefined()
  })

  it('is off with RATE_LIMITS=off', async () => {
    await withServer({ RATE_LIMITS: 'off' }, async (unlimited) => {
      const answers = await times(40, () => ask(logIn, newAddress(), unlimited))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
      expect(answers[0]?.headers.ratelimit).toBeUndefined()
    })
  })
})

describe('a budget of another size', () => {
  const classes = [
    ['RATE_LIMIT_PASSWORDS', 'costly', logIn],
    ['RATE_LIMIT_CHANGES', 'change', verifyToken],
    ['RATE_LIMIT_READS', 'read', { method: 'GET', path: '/api/v1/auth/session' }],
  ] as const

  it.each(classes)('%s holds for every endpoint of its class, and each reports it', async (setting, rateClass) => {
    await withServer({ RATE_LIMITS: 'on', TRUST_PROXY: '1', [setting]: '7' }, async (other) => {
      for (const { name, method, path, bucket, budget, rateClass: own } of limited) {
        const { headers } = await ask({ method, path }, newAddress(), other)
        const expected = own === rateClass ? 7 : budget
        expect([name, headers.ratelimit]).toEqual([
          name,
          expect.stringMatching(new RegExp(`^"${bucket}"; r=${expected - 1};`)),
        ])
        expect(headers['ratelimit-policy']).toContain(`; q=${expected}; w=60;`)
      }
    })
  })

  it.each(classes)('%s may be raised: of 1,300 requests at once 1,250 pass', async (setting, _class, route) => {
    await withServer({ RATE_LIMITS: 'on', TRUST_PROXY: '1', [setting]: '1250' }, async (school) => {
      const address = newAddress()
      const answers = await times(1300, () => ask(route, address, school))
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(50)
    })
  })

  it('is eight times as large for an IPv6 /48', async () => {
    await withServer({ RATE_LIMITS: 'on', TRUST_PROXY: '1', RATE_LIMIT_PASSWORDS: '2' }, async (small) => {
      const answers = await times(20, (index) =>
        ask(logIn, `2001:db8:52:${((index + 1) * 256).toString(16)}::1`, small),
      )
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(4)
    })
  })

  it('is unlimited with 0, for that class alone', async () => {
    await withServer({ RATE_LIMITS: 'on', TRUST_PROXY: '1', RATE_LIMIT_PASSWORDS: '0' }, async (open) => {
      const address = newAddress()
      const answers = await times(40, () => ask(logIn, address, open))
      expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.ratelimit}`))).toEqual(
        new Set(['400 undefined']),
      )
      expect((await ask(verifyToken, address, open)).headers.ratelimit).toMatch(/; r=119;/)
    })
  })
})

describe('the class of an endpoint', () => {
  it('is costly where an endpoint of its bucket takes a password or is described by “Mails …”, and nowhere else', () => {
    const costs = targets.filter(({ takesPassword, description }) => takesPassword || description.startsWith('Mails '))
    const buckets = new Set(costs.map(({ limit }) => limit.bucket))
    expect([...buckets]).toEqual(expect.arrayContaining(['logIn', 'forgotPassword', 'resendVerification']))
    for (const { name, limit } of targets) {
      expect([name, limit.class === 'costly']).toEqual([name, buckets.has(limit.bucket)])
    }
  })

  it('is read for every GET that answers HEAD as well, and for nothing else', () => {
    const changing = ['readTokens', 'verifyEmailByLink']
    for (const { name, method, limit } of targets) {
      expect([name, limit.class === 'read']).toEqual([name, method === 'GET' && !changing.includes(name)])
    }
  })

  it('cannot differ between endpoints that share a bucket', () => {
    const shared = { class: 'costly', bucket: 'shared' } as const
    const perMinute = { costly: 30, change: 120, read: 600 }
    const endpoints = [
      { name: 'one', limit: shared },
      { name: 'shared', limit: 'read' },
    ] as const
    expect(() => createLimiters(endpoints, perMinute)).toThrow('the bucket shared is of the classes costly and read')
  })
})

describe('the address of a client', () => {
  it.each([
    [
      'an IPv6 /56',
      ['2001:db8:0:100::1', '2001:db8:0:101::1', '2001:db8:0:1ff:ffff:ffff:ffff:ffff', '2001:0DB8:0:0155:0:0:0:3'],
    ],
    [
      'an IPv4 address and its form in IPv6',
      ['198.51.100.7', '::ffff:198.51.100.7', '::FFFF:198.51.100.7', '::ffff:c633:6407'],
    ],
  ])('is counted as one for %s', async (_name, addresses) => {
    const answers = []
    for (const address of addresses) answers.push(await ask(logIn, address))
    expect(answers.map(({ headers }) => /r=(\d+)/.exec(String(headers.ratelimit))?.[1])).toEqual(
      addresses.map((_address, index) => String(29 - index)),
    )
  })

  it.each([
    ['neighbouring IPv6 /56s', ['2001:db8:0:2ff::1', '2001:db8:0:300::1']],
    ['IPv4 addresses in IPv6', ['::ffff:198.51.100.8', '::ffff:198.51.100.9']],
    ['an IPv4 address and the loopback', ['198.51.100.10', '::1']],
  ])('is counted as several for %s', async (_name, addresses) => {
    for (const address of addresses) expect((await ask(logIn, address)).headers.ratelimit).toMatch(/; r=29;/)
  })

  it('has eight budgets of a costly endpoint in an IPv6 /48, however many networks are in it', async () => {
    const network = (index: number) => `2001:db8:48:${(index * 256 + index).toString(16)}::1`
    const answers = await times(256, (index) => ask(logIn, network(index)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.map(refusalOf)).toEqual(Array.from({ length: 16 }, () => '429 rate_limited'))
    expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect((await ask(logIn, '2001:db8:49::1')).status).toBe(400)
    expect((await ask(verifyToken, network(1))).status).toBe(400)
  })

  it('keeps the eight budgets of its /48 when a neighbour exceeds its own', async () => {
    await times(300, () => ask(logIn, '2001:db8:50:100::1'))
    const answers = await times(210, (index) => ask(logIn, `2001:db8:50:${(index % 7) + 2}00::1`))
    expect(answers.filter(({ status }) => status === 429)).toEqual([])
  })

  it('has one budget of other endpoints for each /56, whatever its /48 sends', async () => {
    const answers = await times(1000, (index) => ask(verifyToken, `2001:db8:51:${((index % 10) + 1) * 100}::1`))
    expect(answers.filter(({ status }) => status === 429)).toEqual([])
  })

  it('is what the one trusted proxy says, not what was written before it', async () => {
    const address = newAddress()
    await spend(logIn, address, 30)
    for (const forged of ['8.8.8.8', '127.0.0.1', 'unknown', address]) {
      expect((await ask(logIn, `${forged}, ${address}`)).status).toBe(429)
    }
    expect((await ask(logIn, `${address}, ${newAddress()}`)).status).toBe(400)
  })

  it('is the address of the connection while no proxy is trusted, and the log says so once', async () => {
    await withServer({ RATE_LIMITS: 'on' }, async (alone) => {
      for (const address of ['198.51.100.1', '198.51.100.2', '2001:db8::1', 'garbage']) await ask(logIn, address, alone)
      const forwarded = await exchange(alone.url, logIn.path, {
        method: 'POST',
        headers: { Forwarded: 'for=198.51.100.3' },
      })
      expect(forwarded.headers.ratelimit).toMatch(/; r=25;/)
      const lines = alone.logged.map((line) => JSON.parse(line))
      expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
      expect(lines.find(({ level }) => level === 'warn').message).toContain('TRUST_PROXY')
      expect(new Set(lines.filter(({ message }) => message === 'request').map(({ ip }) => ip))).toEqual(
        new Set(['127.0.0.1']),
      )
    })
  })

  it('is no reason to warn while no forwarded header arrives, or where a proxy is trusted', async () => {
    await ask(logIn, newAddress())
    expect(server.logged.filter((line) => JSON.parse(line).level === 'warn')).toEqual([])
    await withServer({}, async (alone) => {
      await exchange(alone.url, '/healthz')
      expect(alone.logged.filter((line) => JSON.parse(line).level === 'warn')).toEqual([])
    })
  })

  it('is that of the first hop beyond the trusted networks', async () => {
    await withServer({ RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.0/8,10.0.0.0/8' }, async (networks) => {
      await ask(logIn, '198.51.100.1, 10.1.2.3', networks)
      const answer = await ask(logIn, '9.9.9.9, 198.51.100.1, 10.9.9.9', networks)
      expect(answer.headers.ratelimit).toMatch(/; r=28;/)
    })
  })
})
