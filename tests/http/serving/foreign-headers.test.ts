import { django } from '../../../src/contracts/django/error-format.ts'
import { problemDetails } from '../../../src/http/contracts/error-format.ts'
import { times } from '../../support/answers.ts'
import type { Target } from '../../support/endpoints.ts'
import { sampleBody, targets } from '../../support/endpoints.ts'
import type { Exchanged, Sent } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import type { User } from '../../support/fixtures.ts'
import { givenVerifiedUser } from '../../support/fixtures.ts'
import { always, json, preflightFields, problem, security, withoutPassing } from '../../support/header-fields.ts'
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

const foreignEndpoints = targets.filter(({ contract }) => contract !== 'v1')
const typed = { 'Content-Type': 'application/json' }
const bearer = () => ({ Authorization: `Bearer ${user.access_token}` })

/** The fields that a status brings with it; what else an answer may carry is said by the test. */
const ownOf = ({ errorFormat }: Format): Readonly<Record<number, object>> => ({
  401: { 'www-authenticate': errorFormat.refusal === django.refusal ? 'Bearer realm="api"' : 'Bearer' },
  503: { 'retry-after': '1' },
})

type Format = Pick<Target, 'errorFormat'>

const refusalType = ({ errorFormat }: Format) => (errorFormat === problemDetails ? problem : json)

function expectFields(format: Format, { status, headers, text }: Exchanged, own: object = {}): void {
  const content = text === '' ? {} : status < 400 ? json : refusalType(format)
  expect(withoutPassing(headers)).toEqual({ ...always, ...content, ...ownOf(format)[status], ...own })
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
    for (const request of requests) expectFields(target, await ask(request))
  })

  it('are these and no others, where the method is another or none', async () => {
    const { status, headers } = await exchange(server.url, path, { method: 'PURGE' })
    expect(status).toBe(405)
    expect(withoutPassing(headers)).toEqual({
      ...always,
      ...refusalType(target),
      allow: expect.stringContaining(method),
    })

    const options = await exchange(server.url, path, { method: 'OPTIONS' })
    expect(options.status).toBe(204)
    expect(withoutPassing(options.headers)).toEqual({ ...security, allow: expect.stringContaining(method) })

    const preflight = await exchange(server.url, path, {
      method: 'OPTIONS',
      headers: { Origin: friend, 'Access-Control-Request-Method': method },
    })
    expect([preflight.status, preflight.text]).toEqual([204, ''])
    expectFields(target, preflight, preflightFields(friend))

    const strange = await exchange(server.url, path, {
      method: 'OPTIONS',
      headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': method },
    })
    const { 'access-control-allow-origin': _o, 'access-control-allow-credentials': _c, ...rest } = preflightFields('')
    expectFields(target, strange, rest)
  })
})

describe.each(foreignEndpoints.filter(({ name }) => name === 'logOut'))('the header fields of $route', (target) => {
  const { method, path, word } = target
  const logOut = ({ url }: TestServer, refreshToken: string) =>
    exchange(url, path, {
      method,
      headers: typed,
      body: JSON.stringify({ [String(word('refresh_token'))]: refreshToken }),
    })

  it('tell browsers to clear nothing, when it ends a session', async () => {
    const { refresh_token } = await givenVerifiedUser(server)
    const answer = await logOut(server, refresh_token)
    expect(answer.status).toBeLessThan(300)
    expectFields(target, answer)
  })

  it('name what CLEAR_SITE_DATA has browsers clear, when it ends a session', async () => {
    await withServer({ CLEAR_SITE_DATA: 'storage,cache' }, async (clearing) => {
      const { refresh_token } = await givenVerifiedUser(clearing)
      const answer = await logOut(clearing, refresh_token)
      expectFields(target, answer, { 'clear-site-data': '"storage", "cache"' })
    })
  })
})

describe.each(foreignEndpoints.filter(({ name }) => name === 'logIn'))('$prefix: the header fields', (target) => {
  const { prefix, path } = target

  it.each([
    ['a path where nothing is', '/nowhere/', 404],
    ['a path that is no text', '/%FF/', 404],
  ])('of %s are these and no others', async (_what, below, status) => {
    const answer = await exchange(server.url, prefix + below)
    expect(answer.status).toBe(status)
    expectFields(target, answer)
  })

  it('of a fault of ours are these and no others', async () => {
    await withServer({}, async (broken) => {
      await broken.database.db.$executeRaw`ALTER TABLE users RENAME TO hidden`
      const body = JSON.stringify(sampleBody(target))
      const answer = await exchange(broken.url, path, { method: 'POST', headers: typed, body })
      expect(answer.status).toBe(500)
      expectFields(target, answer)
    })
  })

  it('of a request too many are these and no others', async () => {
    await withServer({ RATE_LIMITS: 'on' }, async (limited) => {
      const answers = await times(31, () => exchange(limited.url, path, { method: 'POST' }))
      const told = { ratelimit: expect.any(String), 'ratelimit-policy': expect.any(String) }
      for (const answer of answers) {
        const wait = answer.status === 429 && { 'retry-after': expect.stringMatching(/^\d+$/) }
        expectFields(target, answer, { ...told, ...wait })
      }
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(1)
    })
  })
})
