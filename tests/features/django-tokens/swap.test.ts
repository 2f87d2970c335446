import { times } from '../../support/answers.ts'
import type { Client } from '../../support/clients.ts'
import { clients } from '../../support/clients.ts'
import { collide, many } from '../../support/collision.ts'
import { djangoKey, djangoToken, givenImportedUser } from '../../support/django-tokens.ts'
import { countSessions, eventsOf, givenUser, mailsTo } from '../../support/fixtures.ts'
import { call, claimsOf } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DJANGO_SECRET_KEY: djangoKey, DATABASE_POOL: '40' })
})
afterAll(() => server.close())

const ask = (request: Parameters<typeof call>[1]) => call(server, request)

/** How a contract refuses a token that it does not know, or that has expired. */
const saysUnknown = ({ name, says }: Client) =>
  name === '/api/v1/auth' ? '401 token_invalid' : says.endedRefresh.replace('is blacklisted', 'is invalid or expired')

describe.each(clients)('a refresh token of Django at $name', (client) => {
  const { says, refusalOf, tokensIn, rotates } = client

  it('opens one session, and its answer is that of a refresh', async () => {
    const user = await givenImportedUser(server)
    const login = tokensIn((await ask(client.logIn(user))).body)
    const ours = await ask(client.refresh(login.refresh))
    const before = await countSessions(server, user)
    const answer = await ask(client.refresh(djangoToken(server, user.djangoId)))
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.body)).toEqual(Object.keys(ours.body))
    expect(await countSessions(server, user)).toBe(before + 1)
    expect((await ask(client.look(tokensIn(answer.body).access))).status).toBe(200)
    expect(claimsOf(tokensIn(answer.body).access)).toMatchObject({ sub: user.uuid, user_id: user.id })
  })

  it('is answered alike by 20 requests at once, and opens one session', async () => {
    const user = await givenImportedUser(server)
    const before = await countSessions(server, user)
    const token = djangoToken(server, user.djangoId)
    const answers = await collide(
      server,
      user.id,
      many(20, () => ask(client.refresh(token))),
      'users',
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    if (rotates) expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await countSessions(server, user)).toBe(before + 1)
  })

  const late = rotates
    ? 'ends its session as a copy when it comes back later'
    : 'goes on for its session until it expires'
  it(late, async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId, { lifetime: 86_400 * 60 })
    const first = await ask(client.refresh(token))
    const before = await countSessions(server, user)
    server.pass('9s')
    const repeated = await ask(client.refresh(token))
    expect(repeated.status).toBe(200)
    if (rotates) expect(repeated.text).toBe(first.text)
    server.pass(rotates ? '2s' : '50d')
    const later = await ask(client.refresh(token))
    expect(await countSessions(server, user)).toBe(rotates ? before - 1 : before)
    if (rotates) {
      expect(refusalOf(later)).toBe(says.reused)
      expect(refusalOf(await ask(client.refresh(tokensIn(first.body).refresh)))).toBe(says.endedRefresh)
      expect(refusalOf(await ask(client.look(tokensIn(first.body).access)))).toBe(says.ended)
      const subjects = (await mailsTo(server, user.email)).map(({ subject }) => subject)
      expect(subjects).toContainEqual(expect.stringMatching(/ended one of your sessions/))
    } else {
      expect((await ask(client.look(tokensIn(later.body).access))).status).toBe(200)
      server.pass('10d')
      expect(refusalOf(await ask(client.refresh(token)))).toBe(saysUnknown(client))
    }
  })

  it('is refused once it has expired', async () => {
    const { djangoId } = await givenImportedUser(server)
    const token = djangoToken(server, djangoId, { lifetime: 60 })
    server.pass('61s')
    const said = saysUnknown(client).replace('token_invalid', 'refresh_token_expired')
    expect(refusalOf(await ask(client.refresh(token)))).toBe(said)
  })

  it('is refused when it is on the blacklist', async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId, { claims: { jti: `spent-${user.id}` } })
    await server.database.db.djangoToken.create({
      data: { jti: `spent-${user.id}`, spentAt: server.now(), expiresAt: server.now() },
    })
    expect(refusalOf(await ask(client.refresh(token)))).toBe(says.endedRefresh)
  })

  it('is spent by a logout with it, before and after it has opened a session', async () => {
    const user = await givenImportedUser(server)
    const [unused, used] = [djangoToken(server, user.djangoId), djangoToken(server, user.djangoId)]
    const { access } = tokensIn((await ask(client.refresh(used))).body)
    for (const token of [unused, used]) {
      for (const _time of [1, 2]) expect((await ask(client.logOut(token))).status).toBe(client.loggedOut)
      expect(refusalOf(await ask(client.refresh(token)))).toBe(says.endedRefresh)
    }
    expect(refusalOf(await ask(client.look(access)))).toBe(says.ended)
  })

  it('ends with the session that it opened', async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId)
    const { access } = tokensIn((await ask(client.refresh(token))).body)
    expect((await server.send('POST', '/logout', { token: access })).status).toBe(200)
    expect(refusalOf(await ask(client.refresh(token)))).toBe(says.endedRefresh)
  })

  it('is refused by a server without the key of Django, and by one with another key', async () => {
    const { djangoId } = await givenImportedUser(server)
    const token = djangoToken(server, djangoId)
    for (const DJANGO_SECRET_KEY of ['', 'another key of a Django']) {
      await withServer({ ...server.settings, DJANGO_SECRET_KEY }, async (other) => {
        expect(refusalOf(await call(other, client.refresh(token)))).toBe(saysUnknown(client))
        expect(refusalOf(await call(other, client.logOut(token)))).toBe(saysUnknown(client))
      })
    }
  })
})

describe('a refresh token of Django', () => {
  const refresh = (refresh_token: string, on = server) => on.send('POST', '/access_token', { body: { refresh_token } })
  const logOut = (refresh_token: string, on = server) => on.send('POST', '/logout', { body: { refresh_token } })
  const userIdOf = async (token: string) => claimsOf((await refresh(token)).body.access_token).user_id
  const own = clients[0] as Client
  const keeping = clients[1] as Client

  it('is that of an imported user, and never that of a user here whose id happens to be the same', async () => {
    const native = await givenUser(server)
    expect(own.refusalOf(await ask(own.refresh(djangoToken(server, native.id))))).toBe('401 token_invalid')
    expect(own.refusalOf(await ask(own.logOut(djangoToken(server, native.id))))).toBe('401 token_invalid')
    const imported = await givenImportedUser(server, String(native.id))
    expect(await userIdOf(djangoToken(server, native.id))).toBe(imported.id)
  })

  it('may name its user by a number or a text', async () => {
    const uuid = '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c'
    const [numbered, named] = [await givenImportedUser(server), await givenImportedUser(server, uuid)]
    expect(await userIdOf(djangoToken(server, Number(numbered.djangoId)))).toBe(numbered.id)
    expect(await userIdOf(djangoToken(server, numbered.djangoId))).toBe(numbered.id)
    expect(await userIdOf(djangoToken(server, uuid))).toBe(named.id)
  })

  it('that goes on for a session is followed by a pair where refresh tokens rotate', async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId)
    const before = await countSessions(server, user)
    expect((await ask(keeping.refresh(token))).status).toBe(200)
    server.pass('1h')
    const { body } = await refresh(token)
    expect(body.refresh_token).toEqual(expect.any(String))
    expect(await countSessions(server, user)).toBe(before + 1)
    server.pass('11s')
    expect(keeping.refusalOf(await ask(keeping.refresh(token)))).toBe(keeping.says.reused)
  })

  it('opens one session when both kinds of contract are asked at once', async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId)
    const before = await countSessions(server, user)
    const requests = many(5, () => ask(keeping.refresh(token))).concat(many(5, () => ask(own.refresh(token))))
    const answers = await collide(server, user.id, requests, 'users')
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(await countSessions(server, user)).toBe(before + 1)
  })

  it('opens no session, or one that has ended, beside a logout with it', async () => {
    const user = await givenImportedUser(server)
    const before = await countSessions(server, user)
    await times(10, async () => {
      const token = djangoToken(server, user.djangoId)
      const [out, answers] = await Promise.all([ask(own.logOut(token)), times(5, () => refresh(token))])
      expect(out.status).toBe(200)
      for (const { body } of answers) {
        if (body.access_token === undefined) continue
        const look = await server.send('GET', '/session', { token: body.access_token })
        expect(look.status).toBe(401)
      }
      expect((await refresh(token)).status).toBe(401)
    })
    expect(await countSessions(server, user)).toBe(before)
  })

  it('without a grace window is good for one of several requests at once, and the session ends', async () => {
    await withServer({ ...server.settings, REFRESH_GRACE: '0s' }, async (strict) => {
      const user = await givenImportedUser(server)
      const before = await countSessions(server, user)
      const token = djangoToken(server, user.djangoId)
      const answers = await times(10, () => refresh(token, strict))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(await countSessions(server, user)).toBe(before)
    })
  })

  it('counts for a session, of which a user has so many at most', async () => {
    await withServer({ ...server.settings, SESSIONS_PER_USER: '2' }, async (other) => {
      const user = await givenImportedUser(other)
      for (const _time of [1, 2, 3]) await refresh(djangoToken(other, user.djangoId), other)
      expect(await countSessions(other, user)).toBe(2)
    })
  })

  it('is no authentication: what asks for a recent one is refused', async () => {
    const user = await givenImportedUser(server)
    const { body } = await refresh(djangoToken(server, user.djangoId))
    const answer = await server.send('POST', '/logout_all', { token: body.access_token })
    expect([answer.status, answer.body.code]).toEqual([403, 'step_required'])
  })

  it('opens no session where the address has to be verified, and stays good until it is', async () => {
    const user = await givenImportedUser(server)
    const setVerified = (emailVerifiedAt: Date | null) =>
      server.database.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt } })
    await setVerified(null)
    const token = djangoToken(server, user.djangoId)
    const before = await countSessions(server, user)
    const answer = await ask(keeping.refresh(token))
    expect([answer.status, answer.body]).toEqual([401, { detail: 'No active account found for the given token.' }])
    expect(await countSessions(server, user)).toBe(before)
    await setVerified(server.now())
    expect((await ask(keeping.refresh(token))).status).toBe(200)
  })

  it('is recorded when it opens a session, and when a logout puts it on the blacklist', async () => {
    const user = await givenImportedUser(server)
    await refresh(djangoToken(server, user.djangoId))
    await ask(keeping.refresh(djangoToken(server, user.djangoId)))
    await ask(own.logOut(djangoToken(server, user.djangoId)))
    const events = (await eventsOf(server, user)).map(({ type, details }) => ({ type, details }))
    expect(events.slice(-3)).toEqual([
      { type: 'django_token_swapped', details: { stays: false } },
      { type: 'django_token_swapped', details: { stays: true } },
      { type: 'django_token_blacklisted', details: {} },
    ])
  })

  it('is counted by what becomes of it', async () => {
    await withServer({ ...server.settings, METRICS_PORT: '9464', DJANGO_ACCESS_TOKENS: 'on' }, async (other) => {
      const { djangoId, id } = await givenImportedUser(other)
      const token = djangoToken(other, djangoId)
      const expired = djangoToken(other, djangoId, { lifetime: -1 })
      const spent = djangoToken(other, djangoId)
      await logOut(spent, other)
      const sent = [token, token, spent, expired, djangoToken(other, djangoId, { key: 'x' }), djangoToken(other, 'x')]
      for (const each of sent) await refresh(each, other)
      await other.send('GET', '/session', { token: djangoToken(other, djangoId, { kind: 'access' }) })
      await other.database.db.user.update({ where: { id }, data: { epochBeganAt: other.now() } })
      await refresh(djangoToken(other, djangoId), other)
      const metrics = await (await fetch(`${other.metricsUrl}/metrics`)).text()
      const counts = [...metrics.matchAll(/^auth_django_tokens_total\{.*outcome="(\w+)".*\} (\d+)$/gm)]
      expect(Object.fromEntries(counts.map(([, outcome, count]) => [outcome, Number(count)]))).toEqual({
        ...{ swapped: 1, used_again: 1, read: 1, unknown: 1 },
        ...{ unknown_user: 1, expired: 1, ended: 1, blacklisted: 1 },
      })
    })
  })

  it('changes the last login of its user no more than a refresh does', async () => {
    const user = await givenImportedUser(server)
    const before = await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    await refresh(djangoToken(server, user.djangoId))
    expect(await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })).toEqual(before)
  })

  it('is deleted from the list of spent ones 30 days after it has expired', async () => {
    await withServer({ DJANGO_SECRET_KEY: djangoKey }, async (other) => {
      const user = await givenImportedUser(other)
      await refresh(djangoToken(other, user.djangoId, { lifetime: 86_400 }), other)
      other.pass('30d')
      await other.services.cleanUp.run()
      expect(await other.database.db.djangoToken.count()).toBe(1)
      other.pass('2d')
      await other.services.cleanUp.run()
      expect(await other.database.db.djangoToken.count()).toBe(0)
    })
  })
})
