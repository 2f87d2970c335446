import { keysOf, refusalOf, times } from '../../support/answers.ts'
import { withClient } from '../../support/database.ts'
import type { TokenPair, User } from '../../support/fixtures.ts'
import { countSessions, eventsOf, givenSession, givenUser, randomUser } from '../../support/fixtures.ts'
import { call, givenVerified } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ ACCESS_TOKEN_LIFETIME: '1d' })
})
afterAll(() => server.close())

const reauthenticate = ({ access_token }: TokenPair, password: string, on = server) =>
  on.send('POST', '/reauthenticate', { token: access_token, body: { password } })

const rename = ({ access_token }: TokenPair, on = server) =>
  on.send('PATCH', '/profile', { token: access_token, body: { username: randomUser().username } })

const wrong = '400 password_wrong #/password password_wrong'
const step = { name: 'reauthenticate', max_age: 600 }

async function sessionIdOf({ access_token }: TokenPair): Promise<string> {
  return (await server.send('GET', '/session', { token: access_token })).body.session.id
}

const rowOf = async (pair: TokenPair) =>
  server.database.db.reauthentication.findUnique({ where: { sessionId: await sessionIdOf(pair) } })

/** Each action that demands a recent authentication, by a user who may have other sessions. */
const actions: Readonly<Record<string, (user: User, pair: TokenPair) => Promise<{ status: number; body: object }>>> = {
  'another username by PATCH': (_user, pair) => rename(pair),
  'another username by PUT': (_user, { access_token }) =>
    server.send('PUT', '/profile', { token: access_token, body: { username: randomUser().username } }),
  'the end of another session': async (user, { access_token }) => {
    const other = await givenSession(server, user)
    return server.send('DELETE', `/sessions/${await sessionIdOf(other)}`, { token: access_token })
  },
  'logging out everywhere': (_user, { access_token }) => server.send('POST', '/logout_all', { token: access_token }),
}

describe('POST /reauthenticate', () => {
  it('says when it was, leaves the tokens as they are, and is recorded', async () => {
    const user = await givenUser(server)
    server.pass('11m')
    const { status, body } = await reauthenticate(user, user.password)
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(['authenticated_at', 'detail'])
    expect(body.authenticated_at).toBe((await rowOf(user))?.authenticatedAt.toISOString())
    expect(server.now().getTime() - Date.parse(body.authenticated_at)).toBeLessThan(60_000)
    expect((await eventsOf(server, user)).at(-1)).toMatchObject({
      type: 'reauthenticated',
      sessionId: await sessionIdOf(user),
    })
    const refreshed = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    expect(refreshed.status).toBe(200)
  })

  it('answers a wrong password with 400, so that no client drops its token, and records it', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await reauthenticate(user, 'not the password'))).toBe(wrong)
    expect((await eventsOf(server, user)).at(-1)).toMatchObject({
      type: 'reauthentication_failed',
      details: expect.objectContaining({ failures: 1 }),
    })
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
    expect(await rowOf(user)).toBeNull()
  })

  it('is throttled after five wrong passwords like a change of the password, even with the right one', async () => {
    const user = await givenUser(server)
    for (let attempt = 0; attempt < 5; attempt += 1) await reauthenticate(user, 'not the password')
    expect(refusalOf(await reauthenticate(user, user.password))).toBe(wrong)
    const change = { current_password: user.password, new_password: 'another good password' }
    const changed = await server.send('POST', '/change_password', { token: user.access_token, body: change })
    expect(refusalOf(changed)).toContain('400 current_password_wrong')
    server.pass('6s')
    expect((await reauthenticate(user, user.password)).status).toBe(200)
    // The success clears the failures.
    await reauthenticate(user, 'not the password')
    expect((await reauthenticate(user, user.password)).status).toBe(200)
  })

  it('notes one time for a session, however many race', async () => {
    const user = await givenUser(server)
    const answers = await times(8, () => reauthenticate(user, user.password))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await server.database.db.reauthentication.count({ where: { sessionId: await sessionIdOf(user) } })).toBe(1)
  })

  it('notes nothing for a session that ends between the comparison of the password and the note', async () => {
    const user = await givenUser(server)
    const id = await sessionIdOf(user)
    // A failed login, so that the account has a row of failures, which the right password clears.
    await server.send('POST', '/login_credentials', { body: { username: user.username, password: 'wrong' } })
    const answer = await withClient(server.settings.DATABASE_URL ?? '', async (holder) => {
      await holder.query('BEGIN')
      await holder.query('SELECT FROM password_attempts WHERE throttle_key = $1 FOR UPDATE', [`user:${user.id}`])
      const pending = reauthenticate(user, user.password).then((response) => response)
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await withClient(server.settings.DATABASE_URL ?? '', async (watcher) => {
        while ((await watcher.query(waiting)).rowCount === 0);
      })
      await server.send('POST', '/logout', { body: { refresh_token: user.refresh_token } })
      await holder.query('COMMIT')
      return pending
    })
    expect(refusalOf(answer)).toBe('401 session_revoked')
    expect(await server.database.db.reauthentication.findUnique({ where: { sessionId: id } })).toBeNull()
  })

  it('refuses a password that the same session changes between the comparison and the note', async () => {
    const user = await givenUser(server)
    const answer = await withClient(server.settings.DATABASE_URL ?? '', async (holder) => {
      await holder.query('BEGIN')
      await holder.query('UPDATE passwords SET version = version + 1 WHERE user_id = $1', [user.id])
      let isAnswered = false
      const pending = reauthenticate(user, user.password).then((response) => {
        isAnswered = true
        return response
      })
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await withClient(server.settings.DATABASE_URL ?? '', async (watcher) => {
        while (!isAnswered && (await watcher.query(waiting)).rowCount === 0);
      })
      await holder.query('COMMIT')
      return pending
    })
    expect(refusalOf(answer)).toBe(wrong)
    expect(await rowOf(user)).toBeNull()
  })

  it('leaves a row that is deleted after thirty days', async () => {
    await withServer({ ACCESS_TOKEN_LIFETIME: '1d' }, async (other) => {
      const user = await givenUser(other)
      await reauthenticate(user, user.password, other)
      other.pass('29d')
      await other.services.cleanUp.run()
      expect(await other.database.db.reauthentication.count()).toBe(1)
      other.pass('2d')
      await other.services.cleanUp.run()
      expect(await other.database.db.reauthentication.count()).toBe(0)
    })
  })
})

describe.each(Object.entries(actions))('%s', (_name, act) => {
  it('is allowed within ten minutes of the login', async () => {
    const user = await givenUser(server)
    server.pass('9m')
    expect(Math.floor((await act(user, user)).status / 100)).toBe(2)
  })

  it('asks later for the password, which then counts for ten minutes, over refreshes too', async () => {
    const user = await givenUser(server)
    const before = await countSessions(server, user)
    server.pass('11m')
    const refused = await act(user, user)
    expect([refused.status, refused.body]).toEqual([403, expect.objectContaining({ code: 'step_required', step })])
    expect(await countSessions(server, user)).toBeGreaterThanOrEqual(before)
    expect((await reauthenticate(user, user.password)).status).toBe(200)
    const { body } = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    server.pass('9m')
    expect(Math.floor((await act(user, body)).status / 100)).toBe(2)
  })

  it('asks again ten minutes after that', async () => {
    const user = await givenUser(server)
    server.pass('11m')
    await reauthenticate(user, user.password)
    server.pass('11m')
    expect((await act(user, user)).status).toBe(403)
  })
})

describe('a recent authentication', () => {
  it('is that of the session alone: another session of the user is asked all the same', async () => {
    const user = await givenUser(server)
    server.pass('11m')
    const other = await givenSession(server, user)
    await reauthenticate(other, user.password)
    expect((await rename(user)).status).toBe(403)
    expect((await rename(other)).status).toBe(200)
  })

  it('is not needed to change other fields, or to end the own session', async () => {
    const user = await givenUser(server)
    server.pass('11m')
    const { username } = user
    const sent = [{ first_name: 'Ada' }, { username }, {}]
    for (const body of sent) {
      expect((await server.send('PATCH', '/profile', { token: user.access_token, body })).status).toBe(200)
    }
    expect((await server.send('PUT', '/profile', { token: user.access_token, body: { username } })).status).toBe(200)
    const path = `/sessions/${await sessionIdOf(user)}`
    expect((await server.send('DELETE', path, { token: user.access_token })).status).toBe(204)
    const another = await givenUser(server)
    server.pass('11m')
    expect((await server.send('POST', '/logout', { token: another.access_token })).status).toBe(200)
  })

  it('is demanded after the request is validated, and before the answer reveals whether the target exists', async () => {
    const user = await givenUser(server)
    server.pass('11m')
    const invalid = await server.send('PATCH', '/profile', { token: user.access_token, body: { username: '' } })
    expect(invalid.status).toBe(400)
    const unknown = await server.send('DELETE', '/sessions/none', { token: user.access_token })
    expect(refusalOf(unknown)).toBe('403 step_required')
  })

  it('is one of the last REAUTHENTICATE_AFTER, where that is set', async () => {
    await withServer({ ACCESS_TOKEN_LIFETIME: '1d', REAUTHENTICATE_AFTER: '1h' }, async (other) => {
      const user = await givenUser(other)
      other.pass('59m')
      expect((await rename(user, other)).status).toBe(200)
      other.pass('2m')
      const refused = await rename(user, other)
      expect([refused.status, refused.body.step]).toEqual([403, { name: 'reauthenticate', max_age: 3600 }])
    })
  })

  it('is demanded by the contract at /api/auth in the words of Django, for another username alone', async () => {
    const person = await givenVerified(server)
    const login = await call(server, { method: 'POST', path: '/api/auth/login/', body: person })
    const change = (body: object) =>
      call(server, { method: 'PUT', path: '/api/auth/profile/', token: login.body.access, body })
    server.pass('11m')
    expect((await change({ username: person.username, first_name: 'Ada' })).status).toBe(200)
    const refused = await change({ username: randomUser().username })
    expect([refused.status, refused.body]).toEqual([
      403,
      { detail: 'Another step is needed first: see step.', code: 'step_required', step },
    ])
    await reauthenticate({ ...login.body, access_token: login.body.access }, person.password)
    expect((await change({ username: randomUser().username })).status).toBe(200)
  })

  it('is not demanded by the contract at /api/v1/drf/auth, which changes no username', async () => {
    const user = await givenUser(server)
    server.pass('11m')
    const change = {
      method: 'PATCH',
      path: '/api/v1/drf/auth/me/',
      token: user.access_token,
      body: { first_name: 'A' },
    }
    expect((await call(server, change)).status).toBe(200)
  })
})
