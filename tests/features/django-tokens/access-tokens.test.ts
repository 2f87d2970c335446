import { clients } from '../../support/clients.ts'
import { djangoKey, djangoToken, givenImportedUser } from '../../support/django-tokens.ts'
import { sampleBody, targets } from '../../support/endpoints.ts'
import { givenSession, givenUser } from '../../support/fixtures.ts'
import { call } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DJANGO_SECRET_KEY: djangoKey, DJANGO_ACCESS_TOKENS: 'on' })
})
afterAll(() => server.close())

const accessToken = (djangoId: string | number, minting = {}) =>
  djangoToken(server, djangoId, { kind: 'access', lifetime: 300, ...minting })

/** The endpoints that take it. */
const reading = targets.filter(({ access }) => access === 'bearer_to_read')
const others = targets.filter(({ access }) => access.startsWith('bearer') && access !== 'bearer_to_read')

describe.each(clients)('an access token of Django at $name', ({ look, says, refusalOf }) => {
  it('is good for reading until it expires', async () => {
    const { djangoId } = await givenImportedUser(server)
    const token = accessToken(djangoId)
    expect((await call(server, look(token))).status).toBe(200)
    server.pass('301s')
    const expired = says.ended.replace('session_revoked', 'access_token_expired')
    expect(refusalOf(await call(server, look(token)))).toBe(expired)
  })

  it('is refused where the settings do not accept such tokens', async () => {
    const { djangoId } = await givenImportedUser(server)
    await withServer({ ...server.settings, DJANGO_ACCESS_TOKENS: 'off' }, async (other) => {
      const refused = says.ended.replace('session_revoked', 'token_invalid')
      expect(refusalOf(await call(other, look(accessToken(djangoId))))).toBe(refused)
    })
  })

  it('is refused once the sessions of its user were ended', async () => {
    const user = await givenImportedUser(server)
    const token = accessToken(user.djangoId)
    const { access_token } = await givenSession(server, user)
    expect((await server.send('POST', '/logout_all', { token: access_token })).status).toBe(200)
    expect(refusalOf(await call(server, look(token)))).toBe(says.ended)
  })
})

describe('an access token of Django', () => {
  it.each(reading.map(({ route, path }) => ({ route, path })))('is good for $route', async ({ path }) => {
    const { djangoId } = await givenImportedUser(server)
    const answer = await call(server, { method: 'GET', path, token: accessToken(djangoId) })
    expect(answer.status).toBe(200)
  })

  it('is good for endpoints that change nothing, and there are some', () => {
    expect(reading.length).toBeGreaterThan(3)
    expect(reading.filter(({ method, limit }) => method !== 'GET' || limit.class !== 'read')).toEqual([])
    expect(others.map(({ route }) => route)).toContain('GET /api/v1/auth/tokens')
  })

  it.each(others.map((target) => ({ route: target.route, target })))('is refused by $route', async ({ target }) => {
    const user = await givenImportedUser(server)
    const { method, path, hasBody, access } = target
    const refreshField = target.word('refresh_token')
    const body = {
      ...sampleBody(target),
      ...(access === 'bearer_or_refresh' && refreshField && { [refreshField]: undefined }),
    }
    const before = await server.database.db.session.findMany({ where: { userId: user.id } })
    const token = accessToken(user.djangoId)
    const answer = await call(server, { method, path, token, ...(hasBody && { body }) })
    expect([400, 401]).toContain(answer.status)
    if (answer.status === 400) expect(access).toBe('bearer_or_refresh')
    expect(await server.database.db.session.findMany({ where: { userId: user.id } })).toEqual(before)
  })

  it('has no session of ours yet, and shows those that the user has', async () => {
    const user = await givenImportedUser(server)
    const token = accessToken(user.djangoId)
    const { body } = await server.send('GET', '/session', { token })
    expect(body).toMatchObject({ session: null, user: { id: user.id, uuid: user.uuid } })
    const listed = await server.send('GET', '/sessions', { token })
    expect(listed.body).toMatchObject({ total: 1, sessions: [{ current: false }] })
  })

  it('is that of an imported user, and never that of a user here whose id happens to be the same', async () => {
    const { id } = await givenUser(server)
    const { body } = await server.send('GET', '/session', { token: accessToken(id) })
    expect(body.code).toBe('token_invalid')
  })

  it('of the second in which all sessions were ended is refused, and one of the next is not', async () => {
    const user = await givenImportedUser(server)
    const { access_token } = await givenSession(server, user)
    await server.send('POST', '/logout_all', { token: access_token })
    const { epochBeganAt } = await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    const second = Math.floor((epochBeganAt?.getTime() ?? 0) / 1000)
    const statuses = []
    for (const iat of [second, second + 1]) {
      const token = accessToken(user.djangoId, { claims: { iat } })
      statuses.push((await server.send('GET', '/session', { token })).status)
    }
    expect(statuses).toEqual([401, 200])
  })

  it('of a disabled user is refused', async () => {
    const { djangoId, id } = await givenImportedUser(server)
    await server.database.db.user.update({ where: { id }, data: { disabledAt: server.now() } })
    const { body } = await server.send('GET', '/session', { token: accessToken(djangoId) })
    expect(body.code).toBe('session_revoked')
  })

  it('of a user whose address has to be verified is refused', async () => {
    const { djangoId, id } = await givenImportedUser(server)
    await server.database.db.user.update({ where: { id }, data: { emailVerifiedAt: null } })
    const answer = await call(server, { method: 'GET', path: '/api/auth/profile/', token: accessToken(djangoId) })
    expect([answer.status, answer.body]).toEqual([401, { detail: 'User is inactive', code: 'user_inactive' }])
  })
})

describe('POST /verify_token', () => {
  const introspect = async (token: string, on = server) =>
    (await on.send('POST', '/verify_token', { body: { token } })).body
  const active = { active: true, iat: expect.any(Number), exp: expect.any(Number) }

  it('knows the user of a token of Django, and its session once it has one', async () => {
    const user = await givenImportedUser(server)
    const known = { ...active, sub: user.uuid, user_id: user.id }
    const access = { ...known, token_type: 'access', session_id: null }
    expect(await introspect(accessToken(user.djangoId))).toEqual(access)
    const token = djangoToken(server, user.djangoId)
    expect(await introspect(token)).toEqual({ ...known, token_type: 'refresh', session_id: null })
    await call(server, { method: 'POST', path: '/api/auth/token/refresh/', body: { refresh: token } })
    const session_id = (await introspect(token)).session_id
    expect(session_id).toEqual(expect.any(String))
    expect(await introspect(token)).toEqual({ ...known, token_type: 'refresh', session_id })
    await server.send('POST', '/logout', { body: { refresh_token: token } })
    expect(await introspect(token)).toEqual({ active: false })
  })

  it('refuses a refresh token of Django that is spent, and access tokens where they are not accepted', async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId)
    await server.send('POST', '/access_token', { body: { refresh_token: token } })
    server.pass('11s')
    expect(await introspect(token)).toEqual({ active: false })
    await withServer({ ...server.settings, DJANGO_ACCESS_TOKENS: 'off' }, async (other) => {
      expect(await introspect(accessToken(user.djangoId), other)).toEqual({ active: false })
    })
  })

  it('answers at /api/auth/token/verify/ as Django does', async () => {
    const { djangoId } = await givenImportedUser(server)
    for (const token of [accessToken(djangoId), djangoToken(server, djangoId)]) {
      const answer = await call(server, { method: 'POST', path: '/api/auth/token/verify/', body: { token } })
      expect([answer.status, answer.body]).toEqual([200, {}])
    }
  })
})
