import { refusalOf, times } from '../support/answers.ts'
import { freshDatabase } from '../support/database.ts'
import { endpoints } from '../support/endpoints.ts'
import type { Exchanged } from '../support/exchange.ts'
import { exchange } from '../support/exchange.ts'
import type { ServerProcess } from '../support/process.ts'
import { endProcesses, startProcess, until } from '../support/process.ts'
import { endPrograms } from '../support/program.ts'
import type { TestRedis } from '../support/redis.ts'
import { givenRedis } from '../support/redis.ts'

let databaseUrl: string
beforeAll(async () => {
  databaseUrl = await freshDatabase()
})
afterEach(async () => {
  await endProcesses()
  await endPrograms()
})

function startInstance(redis: TestRedis, settings: Readonly<Record<string, string>> = {}): ServerProcess {
  return startProcess({
    DATABASE_URL: databaseUrl,
    DATABASE_POOL: '4',
    SECRET_KEY: 'instances-sign-with-this-key-and-nothing-else-0123456789',
    TRUST_PROXY: '1',
    REDIS_URL: redis.url,
    ...settings,
  })
}

async function runningRedis(): Promise<TestRedis> {
  const redis = await givenRedis()
  await redis.start()
  return redis
}

function logIn(url: string, address = '203.0.113.1'): Promise<Exchanged> {
  return exchange(url, '/api/v1/auth/login_credentials', { method: 'POST', headers: { 'X-Forwarded-For': address } })
}

const readSession = (url: string) => exchange(url, '/api/v1/auth/session')

/** The events about Redis in the log, a word each. */
function outages(server: ServerProcess): string[] {
  const lines = server.stdout().split('\n')
  const told = lines.filter((line) => line.includes('REDIS_URL')).map((line) => JSON.parse(line))
  return told.map(({ level, message, msg = message }) => {
    expect(level).toBe('warn')
    return /again/.test(msg) ? 'back' : 'down'
  })
}

/** The log arrives over a pipe of its own, perhaps later than the event that it reports. */
async function expectOutages(server: ServerProcess, told: readonly ('down' | 'back')[]): Promise<void> {
  await until(async () => outages(server).length >= told.length)
  expect(outages(server)).toEqual(told)
}

async function untilCounted(url: string): Promise<void> {
  await until(async () => (await logIn(url, '203.0.113.250')).status === 400)
}

describe('budgets in Redis', () => {
  it('are one for all instances: of 31 requests over two of them, one is refused', async () => {
    const redis = await runningRedis()
    const instances = await Promise.all([startInstance(redis).ready, startInstance(redis).ready])
    const answers = await times(31, (index) => logIn(instances[index % 2] ?? ''))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.map(refusalOf)).toEqual(['429 rate_limited'])
    expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    const left = answers.map(({ headers }) => /r=(\d+)/.exec(String(headers.ratelimit))?.[1]).map(Number)
    expect(left.toSorted((a, b) => b - a)).toEqual([...Array.from({ length: 30 }, (_, spent) => 29 - spent), 0])
    for (const url of instances) {
      expect((await logIn(url)).status).toBe(429)
      expect((await logIn(url, '203.0.113.2')).status).toBe(400)
    }
  })

  it('are one for the addresses of an IPv6 /56', async () => {
    const redis = await runningRedis()
    const url = await startInstance(redis).ready
    for (const [address, left] of [
      ['2001:db8:0:100::1', 29],
      ['2001:db8:0:1ff:ffff::2', 28],
      ['2001:db8:0:200::1', 29],
    ] as const) {
      expect((await logIn(url, address)).headers.ratelimit).toContain(`r=${left};`)
    }
  })

  it('are eight for an IPv6 /48, over all instances', async () => {
    const redis = await runningRedis()
    const instances = await Promise.all([startInstance(redis).ready, startInstance(redis).ready])
    const answers = await times(256, (index) =>
      logIn(instances[index % 2] ?? '', `2001:db8:48:${(index * 256).toString(16)}::1`),
    )
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(16)
  })

  it('outlive the instance that counted', async () => {
    const redis = await runningRedis()
    const first = startInstance(redis)
    const url = await first.ready
    await times(30, () => logIn(url))
    first.kill('SIGTERM')
    expect(await first.exit).toBe(0)
    expect((await logIn(await startInstance(redis).ready)).status).toBe(429)
  })

  it('need the password that Redis wants, in the form that addresses want', async () => {
    const redis = await givenRedis({ password: 'p@ss/word' })
    await redis.start()
    const server = startInstance(redis, { REDIS_URL: redis.url.replace('//', '//:p%40ss%2Fword@') })
    expect((await logIn(await server.ready)).headers.ratelimit).toContain('r=29;')
    expect(outages(server)).toEqual([])
  })
})

describe('while Redis is away', () => {
  it('endpoints that take a password or send mail refuse, the others go on, and both instances recover by themselves', async () => {
    const redis = await runningRedis()
    const servers = [startInstance(redis), startInstance(redis)]
    const urls = await Promise.all(servers.map(({ ready }) => ready))
    for (const url of urls) expect((await logIn(url)).status).toBe(400)
    await redis.kill()
    for (const url of urls) {
      for (const { name, method, path, limit } of endpoints) {
        const answer = await exchange(url, path, { method })
        if (limit.class === 'costly') {
          expect([name, refusalOf(answer)]).toEqual([name, '503 limits_unavailable'])
          expect(answer.headers['retry-after']).toBe('5')
        } else {
          expect([name, [200, 400, 401, 415].includes(answer.status)]).toEqual([name, true])
        }
        expect(answer.headers.ratelimit).toBeUndefined()
      }
      const many = await times(650, () => readSession(url))
      expect(new Set(many.map(({ status }) => status))).toEqual(new Set([401]))
      expect(await exchange(url, '/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
    }
    for (const server of servers) await expectOutages(server, ['down'])

    await redis.start()
    await Promise.all(urls.map(untilCounted))
    const answers = await times(31, (index) => logIn(urls[index % 2] ?? ''))
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    for (const server of servers) await expectOutages(server, ['down', 'back'])
  })

  it('a published contract says so in its own words', async () => {
    const redis = await givenRedis()
    const url = await startInstance(redis).ready
    const answer = await exchange(url, '/api/v1/drf/auth/login/', { method: 'POST' })
    expect(answer).toMatchObject({
      status: 503,
      body: { detail: 'Service temporarily unavailable, try again later.' },
    })
    expect(answer.headers['retry-after']).toBe('5')
  })

  it('a server starts, says so, and counts once Redis is there', async () => {
    const redis = await givenRedis()
    const server = startInstance(redis)
    const url = await server.ready
    await expectOutages(server, ['down'])
    expect(refusalOf(await logIn(url))).toBe('503 limits_unavailable')
    expect((await readSession(url)).status).toBe(401)
    await redis.start()
    // Without a request that asks for it.
    await expectOutages(server, ['down', 'back'])
    expect((await logIn(url)).headers.ratelimit).toContain('r=29;')
    expect((await readSession(url)).headers.ratelimit).toContain('r=599;')
  })

  it('a server stops as usual', async () => {
    const redis = await givenRedis()
    const server = startInstance(redis)
    await server.ready
    server.kill('SIGTERM')
    expect([await server.exit, server.stderr()]).toEqual([0, ''])
  })
})

describe('a Redis that does not answer', () => {
  it('is down, is found out by one request, and is used again when it answers', async () => {
    const redis = await runningRedis()
    const server = startInstance(redis)
    const url = await server.ready
    expect((await logIn(url)).status).toBe(400)
    redis.freeze()
    const answers = await times(20, () => logIn(url))
    expect(new Set(answers.map(refusalOf))).toEqual(new Set(['503 limits_unavailable']))
    const others = await times(20, () => readSession(url))
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([401]))
    redis.thaw()
    await untilCounted(url)
    await expectOutages(server, ['down', 'back'])
  })

  it('is also used again when it is replaced before it has answered', async () => {
    const redis = await runningRedis()
    const url = await startInstance(redis).ready
    redis.freeze()
    expect(refusalOf(await logIn(url))).toBe('503 limits_unavailable')
    await redis.kill()
    await redis.start()
    await untilCounted(url)
  })

  it('keeps no server from stopping', async () => {
    const redis = await runningRedis()
    const server = startInstance(redis)
    const url = await server.ready
    redis.freeze()
    await logIn(url)
    server.kill('SIGTERM')
    expect([await server.exit, server.stderr()]).toEqual([0, ''])
  })
})

describe('a Redis that refuses', () => {
  it('is down, and the log shows nothing of REDIS_URL', async () => {
    const redis = await givenRedis({ password: 'the-right-one' })
    await redis.start()
    const server = startInstance(redis, { REDIS_URL: redis.url.replace('//', '//canary-name:canary-word@') })
    const url = await server.ready
    expect(refusalOf(await logIn(url))).toBe('503 limits_unavailable')
    await expectOutages(server, ['down'])
    expect(server.stdout()).toContain('WRONGPASS')
    expect(server.stdout() + server.stderr()).not.toMatch(new RegExp(`canary|${new URL(redis.url).host}`))
  })
})
