import { contracts } from '../../../src/contracts/index.ts'
import { times } from '../../support/answers.ts'
import { foreignEndpoints, sampleBody } from '../../support/endpoints.ts'
import type { Exchanged, Sent } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import type { User } from '../../support/fixtures.ts'
import { givenVerifiedUser } from '../../support/fixtures.ts'
import { always, json, preflightFields, security, withoutPassing } from '../../support/header-fields.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

const friend = 'https://app.example.com'

let server: TestServer
let user: User
beforeAll(async () => {
  server = await startServer({ CORS_ORIGINS: friend })
  user = await givenVerifiedUser(server)
})
afterAll(() => server.close())

const foreign = contracts.filter(({ name }) => name !== 'v1')
const typed = { 'Content-Type': 'application/json' }
const bearer = () => ({ Authorization: `Bearer ${user.access_token}` })

/** The fields that a status brings with it; what else an answer may carry is said by the test. */
const ownOf: Readonly<Record<number, object>> = {
  401: { 'www-authenticate': 'Bearer realm="api"' },
  503: { 'retry-after': '1' },
}

function expectFields({ status, headers, text }: Exchanged, own: object = {}): void {
  const content = text === '' ? {} : json
  expect(withoutPassing(headers)).toEqual({ ...always, ...content, ...ownOf[status], ...own })
}

describe.each(foreignEndpoints)('the header fields of $route', (target) => {
  const { method, path, hasBody } = target
  const ask = ({ headers, ...sent }: Sent) =>
    exchange(server.url, path, { method, headers: { Accept: 'application/json', ...headers }, ...sent })

  it('are these and no others for every request', async () => {
    const body = hasBody ? JSON.stringify(sampleBody(target)) : undefined
    const requests: readonly Sent[] = [
      { headers: { ...typed, ...bearer() }, ...(body && { body }) },
      { headers: typed, ...(body && { body }) },
      { headers: { ...typed, ...bearer() }, ...(body && { body: '{}' }) },
      { headers: { ...typed, ...bearer() }, ...(body && { body: '{' }) },
      { headers: bearer(), ...(body && { body }) },
      { headers: { ...typed, ...bearer(), 'Content-Encoding': 'gzip' }, ...(body && { body }) },
      { headers: { ...typed, ...bearer() }, body: 'x'.repeat(20_000) },
      { headers: { ...typed, Authorization: 'Bearer x.y.z' }, ...(body && { body }) },
    ]
    for (const request of requests) expectFields(await ask(request))
  })

  it('are these and no others, where the method is another or none', async () => {
    const { status, headers } = await exchange(server.url, path, { method: 'PURGE' })
    expect(status).toBe(405)
    expect(withoutPassing(headers)).toEqual({ ...always, ...json, allow: expect.stringContaining(method) })

    const options = await exchange(server.url, path, { method: 'OPTIONS' })
    expect(options.status).toBe(204)
    expect(withoutPassing(options.headers)).toEqual({ ...security, allow: expect.stringContaining(method) })

    const preflight = await exchange(server.url, path, {
      method: 'OPTIONS',
      headers: { Origin: friend, 'Access-Control-Request-Method': method },
    })
    expect([preflight.status, preflight.text]).toEqual([204, ''])
    expectFields(preflight, preflightFields(friend))

    const strange = await exchange(server.url, path, {
      method: 'OPTIONS',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': method },
    })
    const { 'access-control-allow-origin': _o, 'access-control-allow-credentials': _c, ...rest } = preflightFields('')
    expectFields(strange, rest)
  })
})

describe.each(foreignEndpoints.filter(({ name }) => name === 'logOut'))(
  'the header fields of $route',
  ({ method, path }) => {
    it('tell browsers to clear nothing, when it ends a session', async () => {
      const { refresh_token } = await givenVerifiedUser(server)
      const body = JSON.stringify({ refresh: refresh_token, refresh_token })
      const answer = await exchange(server.url, path, { method, headers: typed, body })
      expect(answer.status).toBeLessThan(300)
      expectFields(answer)
    })

    it('name what CLEAR_SITE_DATA has browsers clear, when it ends a session', async () => {
      await withServer({ CLEAR_SITE_DATA: 'storage,cache' }, async (clearing) => {
        const { refresh_token } = await givenVerifiedUser(clearing)
        const body = JSON.stringify({ refresh: refresh_token, refresh_token })
        const answer = await exchange(clearing.url, path, { method, headers: typed, body })
        expectFields(answer, { 'clear-site-data': '"storage", "cache"' })
      })
    })
  },
)

describe.each(foreign)('$prefix: the header fields', ({ name, prefix }) => {
  it.each([
    ['a path where nothing is', '/nowhere/', 404],
    ['a path that is no text', '/%FF/', 404],
  ])('of %s are these and no others', async (_what, path, status) => {
    const answer = await exchange(server.url, prefix + path)
    expect(answer.status).toBe(status)
    expectFields(answer)
  })

  it('of a fault of ours are these and no others', async () => {
    await withServer({}, async (broken) => {
      await broken.database.db.$executeRaw`ALTER TABLE users RENAME TO hidden`
      const target = foreignEndpoints.find((other) => other.contract === name && other.name === 'logIn')
      const answer = await exchange(broken.url, target?.path ?? '', {
        method: 'POST',
        headers: typed,
        body: JSON.stringify({ username: 'ada', email: 'ada@example.com', password: 'x' }),
      })
      expect(answer.status).toBe(500)
      expectFields(answer)
    })
  })

  it('of a request too many are these and no others', async () => {
    await withServer({ RATE_LIMITS: 'on' }, async (limited) => {
      const target = foreignEndpoints.find((other) => other.contract === name && other.name === 'logIn')
      const ask = () => exchange(limited.url, target?.path ?? '', { method: 'POST' })
      const answers = await times(31, ask)
      const told = { ratelimit: expect.any(String), 'ratelimit-policy': expect.any(String) }
      for (const answer of answers) {
        expectFields(answer, answer.status === 429 ? { ...told, 'retry-after': expect.stringMatching(/^\d+$/) } : told)
      }
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    })
  })
})
