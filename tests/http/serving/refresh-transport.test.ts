import { refusalOf } from '../../support/answers.ts'
import type { Exchanged } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import type { User } from '../../support/fixtures.ts'
import { givenUser, givenVerifiedUser, randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

const app = 'https://app.example.com'
const foreign = 'https://evil.example.net'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ CORS_ORIGINS: app, PUBLIC_URL: 'https://auth.example.com' })
})
afterAll(() => server.close())

const secureName = '__Host-refresh'

interface Call {
  readonly method?: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly to?: TestServer
}

const call = (path: string, { method = 'POST', body = {}, headers = {}, to = server }: Call = {}) =>
  exchange(to.url, path, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(method !== 'GET' && { body: JSON.stringify(body) }),
  })

const browser = { 'Auth-Transport': 'cookie', 'Sec-Fetch-Site': 'same-origin' }

/** The cookie that an answer sets: its attributes in lower case, its value under `value`. */
function cookieOf({ headers }: Exchanged, name = secureName) {
  const [line, ...others] = (headers['set-cookie'] ?? []).filter((cookie) => cookie.startsWith(`${name}=`))
  if (line === undefined) return undefined
  expect(others).toEqual([])
  const [pair = '', ...attributes] = line.split('; ')
  return { value: pair.slice(name.length + 1), attributes: attributes.map((text) => text.toLowerCase()).sort() }
}

const asCookie = (value: string | undefined, name = secureName) => ({ Cookie: `${name}=${value}` })

/** A browser that has logged in through our own API. */
async function givenBrowser(to = server, name = secureName): Promise<User & { cookie: string }> {
  const user = await givenVerifiedUser(to)
  const answer = await call('/api/v1/auth/login_credentials', {
    body: { username: user.username, password: user.password },
    headers: browser,
    to,
  })
  return { ...user, access_token: answer.body.access_token, cookie: cookieOf(answer, name)?.value ?? 'none' }
}

const refresh = (cookie: string | undefined, headers: Record<string, string> = browser, to = server) =>
  call('/api/v1/auth/access_token', { headers: { ...headers, ...asCookie(cookie) }, to })

describe('the cookie with the refresh token', () => {
  it('is set when the request asks for it, with every attribute that protects it, and the body holds no token', async () => {
    const user = await givenUser(server)
    const answer = await call('/api/v1/auth/login_credentials', {
      body: { username: user.username, password: user.password },
      headers: browser,
    })
    const cookie = cookieOf(answer)
    expect(cookie?.attributes).toEqual([
      expect.stringMatching(/^expires=/),
      'httponly',
      'max-age=604800',
      'path=/',
      'samesite=strict',
      'secure',
    ])
    expect(Object.keys(answer.body).sort()).toEqual([
      'access_token',
      'expires_in',
      'refresh_expires_in',
      'token_type',
      'user',
    ])
    expect(answer.text).not.toContain(cookie?.value)
    expect((await refresh(cookie?.value)).status).toBe(200)
  })

  it.each([
    ['lax', {}, ['samesite=lax', 'secure'], ''],
    ['none', {}, ['partitioned', 'samesite=none', 'secure'], '-partitioned'],
    ['none', { COOKIE_PARTITIONED: 'off' }, ['samesite=none', 'secure'], ''],
  ])('goes to the sites that COOKIE_SAMESITE says: %s %j', async (sameSite, more, expected, ending) => {
    const settings = { COOKIE_SAMESITE: sameSite, ...more, CORS_ORIGINS: app, PUBLIC_URL: 'https://auth.example.com' }
    await withServer(settings, async (other) => {
      const { username, password } = await givenUser(other)
      const body = { username, password }
      const answer = await call('/api/v1/auth/login_credentials', { body, headers: browser, to: other })
      const names = [`${secureName}${ending}`, `__Host-device${ending}`] as const
      for (const name of names) {
        const attributes = cookieOf(answer, name)?.attributes.filter((text) => !/^(expires|max-age)/.test(text))
        expect(attributes).toEqual(['httponly', 'path=/', ...expected].sort())
      }
      const headers = { ...browser, ...asCookie(cookieOf(answer, names[0])?.value, names[0]) }
      const gone = await call('/api/v1/auth/logout', { headers, to: other })
      const attributes = cookieOf(gone, names[0])?.attributes.filter((text) => !/^(expires|max-age)/.test(text))
      expect(attributes).toEqual(['httponly', 'path=/', ...expected].sort())
    })
  })

  it('that was set under another COOKIE_PARTITIONED does no harm', async () => {
    const settings = { ...server.settings, COOKIE_SAMESITE: 'none' }
    await withServer({ ...settings, COOKIE_PARTITIONED: 'off' }, async (before) => {
      const { cookie, username, password } = await givenBrowser(before)
      await withServer(settings, async (after) => {
        const body = { username, password }
        const answer = await call('/api/v1/auth/login_credentials', { body, headers: browser, to: after })
        const name = `${secureName}-partitioned`
        const both = { Cookie: `${secureName}=${cookie}; ${name}=${cookieOf(answer, name)?.value}` }
        for (const to of [after, before])
          expect((await call('/api/v1/auth/access_token', { headers: { ...browser, ...both }, to })).status).toBe(200)
      })
    })
  })

  it('is set only when the request asks for it', async () => {
    const user = await givenUser(server)
    const body = { username: user.username, password: user.password }
    for (const headers of [{}, { 'Auth-Transport': 'body' }, { Cookie: `${secureName}=x` }]) {
      const answer = await call('/api/v1/auth/login_credentials', { body, headers })
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(answer.body.refresh_token).toEqual(expect.any(String))
    }
  })

  it('is refused for an unknown transport', async () => {
    const answer = await call('/api/v1/auth/verify_token', { body: {}, headers: { 'Auth-Transport': 'pigeon' } })
    expect(refusalOf(answer)).toMatch(/^400 invalid_request/)
    const { username, password } = await givenUser(server)
    const login = await call('/api/v1/auth/login_credentials', {
      body: { username, password },
      headers: { 'Auth-Transport': 'Cookie' },
    })
    expect(refusalOf(login)).toBe('400 transport_unknown')
  })

  // The header was once read only when the answer was written: by then the account was created, or the session ended.
  it('is refused for an unknown transport before the request changes anything', async () => {
    const headers = { 'Auth-Transport': 'pigeon' }
    const credentials = randomUser()
    const refused = await call('/api/v1/auth/register_credentials', { body: credentials, headers })
    expect(refusalOf(refused)).toBe('400 transport_unknown')
    const user = await givenUser(server, credentials)
    const bearer = { Authorization: `Bearer ${user.access_token}` }
    for (const path of ['/api/v1/auth/tokens', '/api/v1/auth/logout_all']) {
      const answer = await call(path, { headers: { ...bearer, ...headers } })
      expect(refusalOf(answer)).toBe('400 transport_unknown')
    }
    const { body } = await call('/api/v1/auth/sessions', { method: 'GET', headers: bearer })
    expect(body.sessions).toHaveLength(1)
    expect(body.sessions[0].last_used_at).toBe(body.sessions[0].created_at)
  })

  it('loses its prefix and Secure over plain http on a developer’s machine', async () => {
    await withServer({}, async (local) => {
      const { cookie } = await givenBrowser(local, 'refresh')
      const answer = await call('/api/v1/auth/access_token', {
        headers: { ...browser, ...asCookie(cookie, 'refresh') },
        to: local,
      })
      expect(answer.status).toBe(200)
      expect(cookieOf(answer, 'refresh')?.attributes).not.toContain('secure')
    })
  })

  it('rotates with each refresh', async () => {
    const { cookie } = await givenBrowser()
    const answer = await refresh(cookie)
    expect(cookieOf(answer)?.value).toEqual(expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/))
    expect(cookieOf(answer)?.value).not.toBe(cookie)
    expect(answer.body.refresh_token).toBeUndefined()
  })

  it('is not needed beside a refresh token in the body, and then takes its place', async () => {
    const { refresh_token } = await givenUser(server)
    const answer = await call('/api/v1/auth/access_token', { body: { refresh_token }, headers: browser })
    expect(answer.status).toBe(200)
    expect(answer.body.refresh_token).toBeUndefined()
    expect(cookieOf(answer)).toBeDefined()
  })

  it('is ignored unless the request asks for it', async () => {
    const { cookie } = await givenBrowser()
    const { 'Auth-Transport': _asked, ...headers } = browser
    expect(refusalOf(await refresh(cookie, headers))).toMatch(/^400 invalid_request/)
  })

  it('must be the one in the body if there is one', async () => {
    const { cookie, refresh_token } = await givenBrowser()
    const both = (token: string) =>
      call('/api/v1/auth/access_token', {
        body: { refresh_token: token },
        headers: { ...browser, ...asCookie(cookie) },
      })
    expect(refusalOf(await both(refresh_token))).toBe('400 refresh_tokens_differ')
    expect((await both(cookie)).status).toBe(200)
  })

  it('counts as missing where a request has none, or two of its name', async () => {
    const { cookie } = await givenBrowser()
    expect(refusalOf(await call('/api/v1/auth/access_token', { headers: browser }))).toBe('401 refresh_cookie_missing')
    const twice = { Cookie: `${secureName}=${cookie}; ${secureName}=${cookie}` }
    const answer = await call('/api/v1/auth/access_token', { headers: { ...browser, ...twice } })
    expect(refusalOf(answer)).toBe('401 refresh_cookie_missing')
  })

  // Another host of the site can set a cookie of such a name, which browsers do not take for one with the prefix.
  it.each([
    ['a no-break space', '\u00a0'],
    ['a tab', '\t'],
  ])('is ignored when %s stands before its name', async (_name, space) => {
    const { cookie } = await givenBrowser()
    const answer = await call('/api/v1/auth/access_token', {
      headers: { ...browser, Cookie: `theme=dark; ${space}${secureName}=${cookie}` },
    })
    expect(refusalOf(answer)).toBe('401 refresh_cookie_missing')
    expect((await refresh(cookie)).status).toBe(200)
  })

  it.each([
    ['a logout', '/api/v1/auth/logout'],
    ['a logout everywhere', '/api/v1/auth/logout_all'],
  ])('is deleted by %s, and nothing else of the origin is cleared', async (_name, path) => {
    const { cookie, access_token } = await givenBrowser()
    const answer = await call(path, {
      headers: { ...browser, ...asCookie(cookie), Authorization: `Bearer ${access_token}` },
    })
    expect(answer.status).toBe(200)
    expect(cookieOf(answer)).toMatchObject({ value: '' })
    expect(answer.headers).not.toHaveProperty('clear-site-data')
    expect(refusalOf(await refresh(cookie))).toBe('401 session_revoked')
  })

  it('ends the session with the cookie alone', async () => {
    const { cookie, access_token } = await givenBrowser()
    expect((await call('/api/v1/auth/logout', { headers: { ...browser, ...asCookie(cookie) } })).status).toBe(200)
    expect((await server.send('GET', '/session', { token: access_token })).status).toBe(401)
  })

  it('is deleted when its token was copied and used', async () => {
    const { cookie } = await givenBrowser()
    await refresh(cookie)
    server.pass('11s')
    const answer = await refresh(cookie)
    expect(refusalOf(answer)).toBe('401 refresh_token_reused')
    expect(cookieOf(answer)).toMatchObject({ value: '' })
  })

  it('is renewed by a changed password', async () => {
    const { cookie, access_token, password } = await givenBrowser()
    const answer = await call('/api/v1/auth/change_password', {
      body: { current_password: password, new_password: 'another horse battery' },
      headers: { ...browser, ...asCookie(cookie), Authorization: `Bearer ${access_token}` },
    })
    expect(answer.body.refresh_token).toBeUndefined()
    expect((await refresh(cookieOf(answer)?.value)).status).toBe(200)
  })
})

describe.each(['strict', 'lax', 'none'])('a request with the cookie, where COOKIE_SAMESITE is %s', (sameSite) => {
  let other: TestServer
  beforeAll(async () => {
    other = await startServer({ ...server.settings, COOKIE_SAMESITE: sameSite })
  })
  afterAll(() => other.close())
  const name = sameSite === 'none' ? `${secureName}-partitioned` : secureName

  const sites = [undefined, 'same-origin', 'same-site', 'cross-site', 'none']
  const origins = [undefined, app, foreign, 'null', `${app}.evil.example.net`, 'https://auth.example.com']
  const bodies = [
    { name: 'JSON', type: 'application/json', body: '{}', readable: true },
    { name: 'no body', type: undefined, body: undefined, readable: true },
    { name: 'a form', type: 'application/x-www-form-urlencoded', body: 'a=b', readable: false },
    { name: 'plain text', type: 'text/plain', body: '{}', readable: false },
  ]
  const asked = ['cookie', undefined]
  const paths = [
    { path: '/api/v1/auth/access_token', done: 200 },
    { path: '/api/v1/auth/logout', done: 200 },
    { path: '/api/refresh', done: 200 },
    { path: '/api/auth/login/refresh', done: 200 },
    { path: '/api/v1/drf/auth/token/refresh', done: 200 },
    { path: '/api/auth/logout', done: 205 },
  ]
  const table = paths.flatMap(({ path, done }) =>
    sites.flatMap((site) => origins.map((origin) => ({ path, done, site, origin }))),
  )

  it.each(table)('to $path from site $site and origin $origin', async ({ path, done, site, origin }) => {
    let browserOf = await givenBrowser(other, name)
    for (const { name: kind, type, body, readable } of bodies) {
      for (const transport of asked) {
        const { cookie, access_token } = browserOf
        const headers = {
          ...asCookie(cookie, name),
          ...(site !== undefined && { 'Sec-Fetch-Site': site }),
          ...(origin !== undefined && { Origin: origin }),
          ...(type !== undefined && { 'Content-Type': type }),
          ...(transport !== undefined && { 'Auth-Transport': transport }),
        }
        const { status } = await exchange(other.url, path, { method: 'POST', headers, ...(body && { body }) })
        const isListed = site === 'same-origin' || origin === app
        // Without the header the cookie is not looked at: a token is missing.
        const noToken = path === '/api/v1/auth/logout' ? 401 : 400
        // Forms are read without a cookie and by the other contracts, and not from pages of other origins.
        const isForm = kind === 'a form' && transport === undefined && !path.startsWith('/api/v1/auth/')
        const isPage = origin !== undefined || (site !== undefined && site !== 'none')
        const ofForm = isPage && !isListed ? 403 : 400
        const expected = isForm ? ofForm : !readable ? 415 : transport === undefined ? noToken : isListed ? done : 403
        expect([kind, transport, status]).toEqual([kind, transport, expected])
        const alive = (await other.send('GET', '/session', { token: access_token })).status === 200
        expect([kind, transport, alive]).toEqual([kind, transport, status !== done || !path.endsWith('logout')])
        if (status === done) browserOf = await givenBrowser(other, name)
      }
    }
  })

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])('by %s is no refresh', async (method) => {
    const { cookie } = await givenBrowser(other, name)
    const { status, headers } = await exchange(other.url, '/api/v1/auth/access_token', {
      method,
      headers: { ...browser, ...asCookie(cookie, name) },
    })
    expect([status, headers['set-cookie']]).toEqual([405, undefined])
  })
})

describe('every contract that issues refresh tokens', () => {
  const credentials = () => {
    const { username, email, password } = randomUser()
    return { username, email, password, password_confirm: password, first_name: 'Ada', last_name: 'L' }
  }
  it.each([
    ['/api/v1/auth/register_credentials', '/api/v1/auth/access_token'],
    ['/api/v1/drf/auth/register/', '/api/v1/drf/auth/token/refresh/'],
  ])('%s puts them into the cookie, and %s takes them from it', async (register, renew) => {
    const { username, email, password, password_confirm, first_name, last_name } = credentials()
    const names = { first_name, last_name }
    const body = register.includes('drf')
      ? { email, password, password_confirm, ...names }
      : { username, email, password, ...names }
    const registered = await call(register, { body, headers: browser })
    expect([registered.status, registered.body.refresh_token]).toEqual([201, undefined])
    const renewed = await call(renew, { headers: { ...browser, ...asCookie(cookieOf(registered)?.value) } })
    expect([renewed.status, renewed.body.refresh_token]).toEqual([200, undefined])
    expect(cookieOf(renewed)).toBeDefined()
  })

  it('/api/login/ and /api/refresh/ do so in their own words', async () => {
    const { username, password } = await givenUser(server)
    const answer = await call('/api/login/', { body: { username, password }, headers: browser })
    expect(Object.keys(answer.body)).toEqual(['access'])
    const renewed = await call('/api/refresh/', { headers: { ...browser, ...asCookie(cookieOf(answer)?.value) } })
    expect([renewed.status, Object.keys(renewed.body)]).toEqual([200, ['access']])
  })

  it('refuses in its own error format', async () => {
    const answer = await call('/api/refresh/', { headers: { ...asCookie('x'), 'Auth-Transport': 'cookie' } })
    expect([answer.status, Object.keys(answer.body)]).toEqual([403, ['detail']])
  })
})

describe('REFRESH_TRANSPORT', () => {
  it('cookie: every client gets the cookie, and a token in a body counts for nothing', async () => {
    await withServer({ REFRESH_TRANSPORT: 'cookie', PUBLIC_URL: 'https://auth.example.com' }, async (strict) => {
      const { username, password } = randomUser()
      const registered = await call('/api/v1/auth/register_credentials', {
        body: { username, password, email: `${username}@example.com` },
        to: strict,
      })
      expect(registered.body.refresh_token).toBeUndefined()
      const token = cookieOf(registered)?.value ?? ''
      const inBody = { body: { refresh_token: token }, headers: browser, to: strict }
      expect(refusalOf(await call('/api/v1/auth/access_token', inBody))).toBe('401 refresh_cookie_missing')
      const { 'Auth-Transport': _asked, ...silent } = browser
      expect(refusalOf(await refresh(token, silent, strict))).toBe('403 cross_site_request')
      expect((await refresh(token, browser, strict)).status).toBe(200)
    })
  })

  it('body: no client gets the cookie', async () => {
    await withServer({ REFRESH_TRANSPORT: 'body' }, async (plain) => {
      const { username, password } = await givenUser(plain)
      const answer = await call('/api/v1/auth/login_credentials', {
        body: { username, password },
        headers: browser,
        to: plain,
      })
      // That of the trusted device holds nothing that opens a session.
      expect(String(answer.headers['set-cookie'])).not.toMatch(/refresh/)
      expect(answer.body.refresh_token).toEqual(expect.any(String))
    })
  })
})

describe('a page of another origin', () => {
  const preflight = (origin: string) =>
    exchange(server.url, '/api/v1/auth/access_token', {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'auth-transport,content-type',
      },
    })

  it('may send the cookie and read every answer, refusals too, if its origin is listed', async () => {
    const { headers } = await preflight(app)
    expect(headers['access-control-allow-origin']).toBe(app)
    expect(headers['access-control-allow-credentials']).toBe('true')
    expect(headers['access-control-allow-headers']).toMatch(/Auth-Transport/)
    for (const path of ['/api/v1/auth/access_token', '/api/v1/auth/nowhere', '/api/refresh/', '/api/nowhere']) {
      const refused = await call(path, { headers: { ...browser, Origin: app } })
      expect(refused.status).toBeGreaterThanOrEqual(400)
      expect(refused.headers['access-control-allow-origin']).toBe(app)
      expect(refused.headers.vary).toMatch(/\bOrigin\b/)
    }
  })

  it.each([
    foreign,
    'null',
    `${app}.evil.example.net`,
    'https://APP.example.com',
    'http://app.example.com',
    `${app}:444`,
  ])('may not read answers as %s', async (origin) => {
    for (const { headers } of [
      await preflight(origin),
      await call('/api/v1/auth/access_token', { headers: { Origin: origin } }),
    ]) {
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers.vary).toMatch(/\bOrigin\b/)
    }
  })
})
