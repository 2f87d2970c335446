import type { IncomingHttpHeaders } from 'node:http'
import type { Sent } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser } from '../../support/fixtures.ts'
import { always, json, preflightFields, problem, security, withoutPassing } from '../../support/header-fields.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

const friend = 'https://app.example.com'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ CORS_ORIGINS: `${friend},http://localhost:5173` })
})
afterAll(() => server.close())

const ask = (path: string, sent?: Sent) => exchange(server.url, path, sent)

describe('the header fields', () => {
  it('of a success are these and no others', async () => {
    const { access_token } = await givenUser(server)
    const { status, headers } = await ask('/api/v1/auth/session', {
      headers: { Authorization: `Bearer ${access_token}` },
    })
    expect(status).toBe(200)
    expect(withoutPassing(headers)).toEqual({ ...always, ...json })
  })

  it('of a health check are these and no others', async () => {
    expect(withoutPassing((await ask('/healthz')).headers)).toEqual({ ...always, ...json })
  })

  it('of a success without content are these and no others', async () => {
    const { access_token } = await givenUser(server)
    const { body } = await server.send('GET', '/session', { token: access_token })
    const answer = await ask(`/api/v1/auth/sessions/${body.session.id}`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${access_token}` },
    })
    expect(answer.status).toBe(204)
    expect(withoutPassing(answer.headers)).toEqual(always)
  })

  const refusals: readonly { of: string; path: string; sent?: Sent; status: number; own: object }[] = [
    { of: 'a missing token', path: '/api/v1/auth/session', status: 401, own: { 'www-authenticate': 'Bearer' } },
    { of: 'an address where nothing is', path: '/nowhere', status: 404, own: {} },
    {
      of: 'another method',
      path: '/api/v1/auth/session',
      sent: { method: 'POST' },
      status: 405,
      own: { allow: 'GET, HEAD' },
    },
    {
      of: 'broken JSON',
      path: '/api/v1/auth/verify_token',
      sent: { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{' },
      status: 400,
      own: {},
    },
    {
      of: 'a body too large',
      path: '/api/v1/auth/verify_token',
      sent: { method: 'POST', body: 'x'.repeat(20_000) },
      status: 413,
      own: {},
    },
    {
      of: 'an address that is no text',
      path: '/api/v1/auth/sessions/%',
      sent: { method: 'DELETE' },
      status: 400,
      own: {},
    },
  ]
  it.each(refusals)('of $of are these and no others', async ({ path, sent, status, own }) => {
    const answer = await ask(path, sent)
    expect(answer.status).toBe(status)
    expect(withoutPassing(answer.headers)).toEqual({ ...always, ...problem, ...own })
  })

  it('of an unreadable path are those of every answer', async () => {
    const answer = await ask('http://[::1')
    expect(answer.status).toBe(400)
    expect(withoutPassing(answer.headers)).toEqual({ ...security, 'content-type': 'application/problem+json' })
  })

  it('of a preflight are these and no others', async () => {
    const headers = { Origin: friend, 'Access-Control-Request-Method': 'PATCH' }
    const answer = await ask('/api/v1/auth/profile', { method: 'OPTIONS', headers })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(withoutPassing(answer.headers)).toEqual({ ...always, ...preflightFields(friend) })
  })

  it('tell browsers to insist on https where the server is reached by it, and only there', async () => {
    await withServer({ PUBLIC_URL: 'https://auth.example.com' }, async (secure) => {
      for (const path of ['/healthz', '/nowhere', '/api/v1/auth/session']) {
        const { headers } = await exchange(secure.url, path)
        expect(headers['strict-transport-security']).toBe('max-age=31536000')
        expect((await ask(path)).headers['strict-transport-security']).toBeUndefined()
      }
    })
  })

  it('never say what the server is made of, and never let an answer be kept or compared', async () => {
    for (const path of ['/healthz', '/readyz', '/nowhere', '/problems', '/api/v1/auth/session']) {
      const { headers } = await ask(path, { headers: { 'If-None-Match': '*' } })
      for (const name of ['x-powered-by', 'server', 'etag', 'last-modified', 'set-cookie'])
        expect(headers[name]).toBeUndefined()
      expect(headers['cache-control']).toBe('no-store')
    }
  })
})

describe('a page of another origin', () => {
  const corsFields = (headers: IncomingHttpHeaders) => [
    headers['access-control-allow-origin'],
    headers['access-control-allow-credentials'],
    headers.vary,
  ]

  it.each([friend, 'http://localhost:5173'])('may read our answers when it is %s', async (origin) => {
    for (const path of ['/healthz', '/nowhere', '/api/v1/auth/session']) {
      const { headers } = await ask(path, { headers: { Origin: origin } })
      expect(corsFields(headers)).toEqual([origin, 'true', 'Origin'])
    }
  })

  it.each([
    'https://evil.example',
    'null',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'https://evil-app.example.com',
    'https://sub.app.example.com',
    'https://APP.example.com',
    'https://app.example.com/',
    'https://app.example.com,https://evil.example',
    '*',
    'file://',
  ])('may not read our answers when it is %s', async (origin) => {
    for (const method of ['GET', 'OPTIONS']) {
      const { headers } = await ask('/api/v1/auth/session', {
        method,
        headers: { Origin: origin, 'Access-Control-Request-Method': 'GET' },
      })
      expect(corsFields(headers)).toEqual([undefined, undefined, 'Origin'])
    }
  })

  it('may send the headers of CORS_HEADERS beside the usual ones', async () => {
    await withServer({ CORS_ORIGINS: friend, CORS_HEADERS: 'X-Tenant,X-Client-Version' }, async (more) => {
      const headers = { Origin: friend, 'Access-Control-Request-Method': 'POST' }
      const answer = await exchange(more.url, '/api/v1/auth/access_token', { method: 'OPTIONS', headers })
      const usual = preflightFields(friend)['access-control-allow-headers']
      expect(answer.headers['access-control-allow-headers']).toBe(`${usual},X-Tenant,X-Client-Version`)
    })
  })

  it('may be of an application that is listed, and the origin null never is', async () => {
    const listed = ['capacitor://localhost', 'tauri://localhost', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop']
    for (const settings of [{ CORS_ORIGINS: listed.join(',') }, { FRONTEND_URL: 'myapp://app' }]) {
      await withServer(settings, async (ofApplication) => {
        const allowed = async (origin: string) =>
          (await exchange(ofApplication.url, '/healthz', { headers: { Origin: origin } })).headers[
            'access-control-allow-origin'
          ]
        for (const origin of listed) expect(await allowed(origin)).toBe(settings.CORS_ORIGINS && origin)
        for (const origin of [
          'null',
          'capacitor://localhost:1',
          'capacitor://evil',
          'ionic://localhost',
          'myapp://app',
        ])
          expect(await allowed(origin)).toBeUndefined()
      })
    }
  })

  it('gets Vary: Origin, also on answers to requests without an origin', async () => {
    expect((await ask('/healthz')).headers.vary).toBe('Origin')
  })

  it('may by default read our answers when it is of FRONTEND_URL, and only then', async () => {
    await withServer({ FRONTEND_URL: 'https://front.example.com/app' }, async (byDefault) => {
      for (const [origin, allowed] of [
        ['https://front.example.com', 'https://front.example.com'],
        [friend, undefined],
      ] as const) {
        const { headers } = await exchange(byDefault.url, '/healthz', { headers: { Origin: origin } })
        expect(headers['access-control-allow-origin']).toBe(allowed)
      }
    })
  })
})
