import { needsAccessToken } from '../../src/http/contracts/endpoint.ts'
import { times } from '../support/answers.ts'
import { clients } from '../support/clients.ts'
import { freshDatabase } from '../support/database.ts'
import type { DatabaseProxy } from '../support/database-proxy.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import { djangoEndpoints, targets } from '../support/endpoints.ts'
import { django, foreignRefusalOf } from '../support/error-formats.ts'
import { exchange } from '../support/exchange.ts'
import { givenDisabled, givenVerifiedUser, randomUser } from '../support/fixtures.ts'
import { call } from '../support/foreign.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let proxy: DatabaseProxy
let server: TestServer
beforeAll(async () => {
  proxy = await startDatabaseProxy(await freshDatabase())
  server = await startServer({ DATABASE_URL: proxy.url })
})
afterAll(async () => {
  await server.close()
  await proxy.cut()
})

/** The names that each contract has for fields that all of them have. */
const contracts = [
  {
    prefix: '/api/auth',
    client: '/api/auth by username',
    bearer: 'GET profile/',
    refresh: 'token/refresh/',
    refreshField: 'refresh',
    loginFields: ['password'],
    registerFields: ['email', 'username', 'password'],
    confirmation: 'password2',
  },
  {
    prefix: '/api',
    client: '/api',
    bearer: 'GET protected/',
    refresh: 'refresh/',
    refreshField: 'refresh',
    loginFields: ['username', 'password'],
    registerFields: ['username', 'email', 'password'],
    confirmation: undefined,
  },
  {
    prefix: '/api/v1/drf/auth',
    client: '/api/v1/drf/auth',
    bearer: 'GET me/',
    refresh: 'token/refresh/',
    refreshField: 'refresh_token',
    loginFields: ['email', 'password'],
    registerFields: ['email', 'password', 'password_confirm', 'first_name', 'last_name'],
    confirmation: 'password_confirm',
  },
] as const

describe.each(contracts)('the error format of $prefix', (contract) => {
  const { prefix, refreshField } = contract
  const client = clients.find(({ name }) => name === contract.client)
  if (!client) throw new Error(`no client ${contract.client}`)

  const ask = (route: string, options: { body?: object; token?: string; on?: TestServer } = {}) => {
    const [method = '', path = ''] = route.split(' ')
    const { on = server, ...rest } = options
    return call(on, { method, path: `${prefix}/${path}`, ...rest })
  }
  const bytes = (body: string | Buffer, type = 'application/json') =>
    exchange(server.url, `${prefix}/login/`, { method: 'POST', headers: { 'Content-Type': type }, body })
  const refresh = (token: string) => ask(`POST ${contract.refresh}`, { body: { [refreshField]: token } })
  const look = (token: string) => ask(contract.bearer, { token })

  it('names the missing fields in the words of its error format', async () => {
    const { loginFields, registerFields } = contract
    expect(foreignRefusalOf(await ask('POST login/', { body: {} }))).toBe(django.required(...loginFields))
    expect(foreignRefusalOf(await ask('POST register/', { body: {} }))).toBe(django.required(...registerFields))
    expect(foreignRefusalOf(await ask('POST logout/', { body: {} }))).toBe(django.required(refreshField))
    expect(foreignRefusalOf(await ask(`POST ${contract.refresh}`))).toBe(django.required(refreshField))
  })

  it.each([
    ['null', null, 'This field may not be null.'],
    ['blank', '', 'This field may not be blank.'],
    ['a list', ['x'], 'Not a valid string.'],
    ['an object', { not: '' }, 'Not a valid string.'],
    ['true', true, 'Not a valid string.'],
  ])('refuses a field that is %s', async (_name, value, message) => {
    const credentials = Object.fromEntries(contract.loginFields.map((name) => [name, 'ada@example.com']))
    const answer = await ask('POST login/', { body: { username: 'ada', ...credentials, password: value } })
    expect(foreignRefusalOf(answer)).toBe(django.fields({ password: [message] }))
    const token = await ask(`POST ${contract.refresh}`, { body: { [refreshField]: value } })
    expect(foreignRefusalOf(token)).toBe(django.fields({ [refreshField]: [message] }))
  })

  it('takes a number as text', async () => {
    const body = { username: 'ada', email: 'ada@example.com', password: 12345678 }
    expect(foreignRefusalOf(await ask('POST login/', { body }))).toBe(django.noAccount)
  })

  it.each([
    ['null', 'nul\0nul', 'Null characters are not allowed.'],
    ['surrogate', 'half \ud800', 'Surrogate characters are not allowed: U+D800.'],
  ])('refuses %s characters in any field', async (_name, value, message) => {
    const token = await ask(`POST ${contract.refresh}`, { body: { [refreshField]: value } })
    expect(foreignRefusalOf(token)).toBe(django.fields({ [refreshField]: [message] }))
    const credentials = Object.fromEntries(contract.loginFields.map((name) => [name, 'ada@example.com']))
    const login = await ask('POST login/', { body: { username: 'ada', ...credentials, password: value } })
    expect(foreignRefusalOf(login)).toBe(django.fields({ password: [message] }))
  })

  it('ignores spaces around a text', async () => {
    const blank = await ask(`POST ${contract.refresh}`, { body: { [refreshField]: '   ' } })
    expect(foreignRefusalOf(blank)).toBe(django.fields({ [refreshField]: ['This field may not be blank.'] }))
    const { email } = await givenVerifiedUser(server)
    const body = { email: ` ${email} `, username: ' ada ', password: 'x', password_confirm: 'x' }
    const missing = await ask('POST register/', { body: { ...body, first_name: ' ', last_name: ' ' } })
    expect(foreignRefusalOf(missing)).toContain('This password is too short.')
  })

  it.each([
    ['the scheme alone', 'Bearer', 'Authorization header must contain two space-delimited values'],
    ['three words', 'Bearer a b', 'Authorization header must contain two space-delimited values'],
    ['what is no token', 'Bearer {}', 'Given token not valid for any token type'],
    ['another scheme', 'Basic YTpi', 'Authentication credentials were not provided.'],
  ])('says what is wrong with an Authorization of %s', async (_name, Authorization, detail) => {
    const [method = '', path = ''] = contract.bearer.split(' ')
    const answer = await call(server, { method, path: `${prefix}/${path}`, headers: { Authorization } })
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="api"' } })
    expect(JSON.parse(answer.text)).toMatchObject({ detail })
  })

  it.each([
    ['null', 'No data provided'],
    ['[]', 'Invalid data. Expected a dictionary, but got list.'],
    ['"text"', 'Invalid data. Expected a dictionary, but got str.'],
    ['7', 'Invalid data. Expected a dictionary, but got int.'],
    ['true', 'Invalid data. Expected a dictionary, but got bool.'],
  ])('refuses %s in place of an object', async (body, message) => {
    expect(foreignRefusalOf(await bytes(body))).toBe(django.fields({ non_field_errors: [message] }))
  })

  it.each([
    ['half a body', '{"a":'],
    ['a form', 'username=ada'],
    ['broken UTF-8', Buffer.from('{"a":"\xff"}', 'latin1')],
  ])('answers %s with a parse error', async (_name, body) => {
    expect(foreignRefusalOf(await bytes(body))).toMatch(/^400 \{"detail":"JSON parse error - [^"]+"\}$/)
  })

  it('refuses other media types by name, and what is too large', async () => {
    for (const type of ['text/plain', 'multipart/mixed']) {
      const detail = `Unsupported media type "${type}" in request.`
      expect(foreignRefusalOf(await bytes('{}', type))).toBe(`415 ${JSON.stringify({ detail })}`)
    }
    expect(foreignRefusalOf(await bytes(`"${'x'.repeat(20_000)}"`))).toMatch(/^413 \{"detail":"[^"]+"\}$/)
  })

  // A type of 6 kB once came back in an answer of 6 kB.
  it('does not send back a media type at any length', async () => {
    const detail = `Unsupported media type "${'x'.repeat(100)}" in request.`
    expect(foreignRefusalOf(await bytes('{}', 'x'.repeat(6000)))).toBe(`415 ${JSON.stringify({ detail })}`)
  })

  it('has no other paths and no other methods', async () => {
    for (const path of ['nowhere', 'nowhere/', 'login/nowhere', '', 'register_credentials']) {
      expect(foreignRefusalOf(await ask(`POST ${path}`, { body: {} }))).toBe(django.notFound)
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'PROPFIND']) {
      const answer = await ask(`${method} login/`)
      expect([foreignRefusalOf(answer), answer.headers.allow]).toEqual([django.wrongMethod(method), 'POST, OPTIONS'])
    }
    const [, path] = contract.bearer.split(' ')
    const { headers } = await ask(`DELETE ${path}`)
    expect(headers.allow).toMatch(/^GET, HEAD(, PUT|, PATCH)?, OPTIONS$/)
  })

  it('distinguishes missing credentials from bad, expired and revoked access tokens as Django does', async () => {
    expect(foreignRefusalOf(await ask(contract.bearer))).toBe(django.noCredentials)
    expect(foreignRefusalOf(await look('x'))).toBe(django.badAccess)
    const anotherUser = await givenVerifiedUser(server)
    expect(foreignRefusalOf(await look(anotherUser.refresh_token))).toBe(django.badAccess)
    await server.send('POST', '/logout_all', { token: anotherUser.access_token })
    expect(foreignRefusalOf(await look(anotherUser.access_token))).toBe(django.badAccess)
    const late = await givenVerifiedUser(server)
    expect((await look(late.access_token)).status).toBe(200)
    server.pass('16m')
    expect(foreignRefusalOf(await look(late.access_token))).toBe(django.badAccess)
  })

  it('distinguishes bad and expired refresh tokens from blacklisted ones', async () => {
    expect(foreignRefusalOf(await refresh('x'))).toBe(django.badRefresh)
    const [left, late] = [await givenVerifiedUser(server), await givenVerifiedUser(server)]
    expect(foreignRefusalOf(await refresh(left.access_token))).toBe(django.badRefresh)
    await server.send('POST', '/logout', { body: { refresh_token: left.refresh_token } })
    expect(foreignRefusalOf(await refresh(left.refresh_token))).toBe(django.blacklisted)
    server.pass('7d')
    expect(foreignRefusalOf(await refresh(late.refresh_token))).toBe(django.badRefresh)
  })

  it('answers a wrong password, an unregistered name and a disabled user with the same bytes', async () => {
    const [known, disabled] = [await givenVerifiedUser(server), await givenVerifiedUser(server)]
    await givenDisabled(server, disabled)
    const wrong = { ...known, password: 'not it at all' }
    for (const credentials of [wrong, randomUser(), disabled]) {
      expect(foreignRefusalOf(await call(server, client.logIn(credentials)))).toBe(django.noAccount)
    }
  })

  it('names the seconds to wait when a limit is exceeded', () =>
    withServer({ RATE_LIMITS: 'on' }, async (strict) => {
      const answers = await times(31, () => ask('POST login/', { body: {}, on: strict }))
      const [refused, ...others] = answers.filter(({ status }) => status === 429)
      expect(others).toEqual([])
      const seconds = refused?.headers['retry-after']
      expect(seconds).toMatch(/^([1-9]|[1-5]\d|60)$/)
      const wait = seconds === '1' ? '1 second' : `${seconds} seconds`
      expect(refused?.body).toEqual({ detail: `Request was throttled. Expected available in ${wait}.` })
      expect(refused?.headers['content-type']).toBe('application/json; charset=utf-8')
    }))

  it('answers 503 with Retry-After when it cannot serve', async () => {
    const user = await givenVerifiedUser(server)
    await proxy.cut()
    try {
      const answer = await look(user.access_token)
      const detail = 'Service temporarily unavailable, try again later.'
      expect(foreignRefusalOf(answer)).toBe(`503 ${JSON.stringify({ detail })}`)
      expect(answer.headers['retry-after']).toBe('1')
    } finally {
      await proxy.mend()
    }
  })

  it('ignores fields that it does not know', async () => {
    const body = { [refreshField]: 'x', surprise: 1, constructor: 1, refresh_tokens: [] }
    expect(foreignRefusalOf(await ask(`POST ${contract.refresh}`, { body }))).toBe(django.badRefresh)
  })

  it('answers an internal error in its own format', async () => {
    const user = await givenVerifiedUser(server)
    const { db } = server.database
    await db.$executeRaw`ALTER TABLE sessions RENAME TO hidden`
    try {
      expect(foreignRefusalOf(await refresh(user.refresh_token))).toBe('500 {"detail":"A server error occurred."}')
    } finally {
      await db.$executeRaw`ALTER TABLE hidden RENAME TO sessions`
    }
  })
})

describe('the names of a confirmation', () => {
  it.each(contracts.filter(({ confirmation }) => confirmation))(
    'are those of $prefix',
    async ({ prefix, confirmation }) => {
      const password = 'a good enough one'
      const body = { ...randomUser(), password, [String(confirmation)]: 'x', first_name: 'A', last_name: 'B' }
      const answer = await call(server, { method: 'POST', path: `${prefix}/register/`, body })
      expect(foreignRefusalOf(answer)).toBe(
        django.fields({ [String(confirmation)]: ['The two passwords do not match.'] }),
      )
    },
  )
})

describe.each(djangoEndpoints)('$route', ({ method, path, access, fields, hasBody }) => {
  const required = fields.filter(({ optional }) => !optional).map(({ name }) => name)

  it('names what it needs, and asks for a session first', async () => {
    const anonymous = await call(server, { method, path, ...(hasBody && { body: {} }) })
    const missing = required.length > 0 ? django.required(...required) : undefined
    // A logout takes either token, so that none is required.
    const wantsSession = needsAccessToken(access) || (access === 'bearer_or_refresh' && !missing)
    if (wantsSession) expect(foreignRefusalOf(anonymous)).toBe(django.noCredentials)
    else expect(foreignRefusalOf(anonymous)).toBe(missing)
    if (!needsAccessToken(access) || !missing) return
    const { access_token: token } = await givenVerifiedUser(server)
    expect(foreignRefusalOf(await call(server, { method, path, body: {}, token }))).toBe(missing)
  })
})

describe.each(targets.filter(({ trailingSlash }) => trailingSlash))('$route', ({ method, prefix, path, hasBody }) => {
  it('is served with and without a slash at its end, and in no other spelling', async () => {
    const { access_token: token } = await givenVerifiedUser(server)
    const ask = (to: string) => call(server, { method, path: to, token, ...(hasBody && { body: {} }) })
    const bare = path.replace(/\/$/, '')
    const [slashed, unslashed] = [await ask(`${bare}/`), await ask(bare)]
    expect(slashed.status).not.toBe(404)
    expect([unslashed.status, unslashed.body]).toEqual([slashed.status, slashed.body])
    for (const other of [prefix + bare.slice(prefix.length).toUpperCase(), `${bare}//`, `${bare}/x`]) {
      expect((await ask(other)).status).toBe(404)
    }
  })
})
