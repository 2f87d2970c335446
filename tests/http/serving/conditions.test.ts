import { contracts } from '../../../src/contracts/index.ts'
import { needsAccessToken } from '../../../src/http/contracts/endpoint.ts'
import { targets } from '../../support/endpoints.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser, givenVerifiedUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DOCS: 'on' }, { mailbox: true })
  await givenUser(server)
})
afterAll(() => server.close())

const future = 'Fri, 31 Dec 2100 23:59:59 GMT'

/** Each asks for an answer without a body, or for a part of one, or for none at all. */
const conditions: readonly Readonly<Record<string, string>>[] = [
  { 'If-None-Match': '*' },
  { 'If-None-Match': '"a", W/"b"', 'Cache-Control': 'max-age=0' },
  { 'If-Modified-Since': future },
  { 'If-Match': '"a"' },
  { 'If-Unmodified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' },
  { Range: 'bytes=0-0' },
  { Range: 'bytes=999999999-' },
  { Range: 'bytes=0-0', 'If-Range': future },
]

const documents = ['/openapi.json', ...contracts.map(({ prefix }) => `${prefix}/openapi.json`)]
const places = [
  ...['/healthz', '/readyz', '/problems', '/verify-email', '/reset-password'],
  ...['/docs', '/docs/swagger-ui.css', '/docs/swagger-ui-bundle.js'],
  ...['/mailbox', '/mailbox.json', '/mailbox/1', '/mailbox/1/message'],
  ...documents,
]

describe.each(places)('GET %s', (path) => {
  it('is answered whole, whatever conditions come with the request', async () => {
    for (const headers of conditions) {
      const answer = await exchange(server.url, path, { headers })
      expect([headers, answer.status, answer.headers['content-range']]).toEqual([headers, 200, undefined])
      expect(answer.text.length).toBeGreaterThan(1)
      const head = await exchange(server.url, path, { method: 'HEAD', headers })
      expect([headers, head.status]).toEqual([headers, 200])
    }
  })
})

const readings = targets.filter(({ method, access }) => method === 'GET' && needsAccessToken(access))

describe.each(readings)('$route', ({ path }) => {
  it('is answered whole, whatever conditions come with the request', async () => {
    const { access_token } = await givenVerifiedUser(server)
    for (const condition of conditions) {
      const headers = { ...condition, Authorization: `Bearer ${access_token}` }
      const { status, headers: fields, body } = await exchange(server.url, path, { headers })
      expect([condition, status, fields['content-range']]).toEqual([condition, 200, undefined])
      expect(Object.keys(body)).not.toEqual([])
    }
  })
})

describe('GET /api/v1/auth/tokens', () => {
  // The session had advanced by then, and the 304 had no room for the pair.
  it('hands out the pair that it has made, whatever conditions come with the request', async () => {
    const { access_token } = await givenUser(server)
    const headers = { Authorization: `Bearer ${access_token}`, 'If-None-Match': '*' }
    const { status, body } = await exchange(server.url, '/api/v1/auth/tokens', { headers })
    expect(status).toBe(200)
    const { status: after } = await server.send('GET', '/session', { token: body.access_token })
    expect(after).toBe(200)
  })
})

describe('GET /api/auth/verify-email/', () => {
  it.each(conditions)('says what became of the token with %j', async (headers) => {
    const { email } = await givenUser(server)
    const { body } = await exchange(server.url, '/mailbox.json')
    const { token } = body.mails.find(({ to }: { to: string }) => to === email)
    const answer = await exchange(server.url, `/api/auth/verify-email/?token=${token}`, {
      headers: { ...headers, Accept: 'application/json' },
    })
    expect([answer.status, answer.body]).toEqual([200, { detail: 'The address is verified' }])
  })
})
