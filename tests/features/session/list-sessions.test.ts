import { refusalOf, secondsBetween } from '../../support/answers.ts'
import { givenSession, givenUser } from '../../support/people.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const list = (token?: string) => server.send('GET', '/sessions', { token })
const idOf = async (token: string) => (await server.send('GET', '/session', { token })).body.session.id

describe('GET /sessions', () => {
  it('lists the live sessions of the caller, newest first, with the current one marked', async () => {
    const user = await givenUser(server)
    server.pass('1s')
    const second = await givenSession(server, user)
    server.pass('1s')
    const third = await givenSession(server, user)
    const ids = await Promise.all([third, second, user].map(({ access_token }) => idOf(access_token)))
    const { status, body } = await list(second.access_token)
    expect(status).toBe(200)
    expect(body.sessions.map(({ id }: { id: string }) => id)).toEqual(ids)
    expect(body.sessions.map(({ current }: { current: boolean }) => current)).toEqual([false, true, false])
  })

  it('tells of each session what the session tells of itself, and nothing else', async () => {
    const user = await givenUser(server)
    const own = await server.send('GET', '/session', { token: user.access_token })
    const { body } = await list(user.access_token)
    expect(body).toEqual({ sessions: [own.body.session] })
    expect(Object.keys(body.sessions[0]).sort()).toEqual([
      'created_at',
      'current',
      'ends_at',
      'expires_at',
      'id',
      'ip',
      'last_used_at',
      'user_agent',
    ])
  })

  it('shows when a session was last refreshed', async () => {
    const user = await givenUser(server)
    server.pass('1m')
    const { body } = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    const [session] = (await list(body.access_token)).body.sessions
    expect(secondsBetween(session.created_at, session.last_used_at)).toBe(60)
  })

  it('lists neither sessions that have ended nor sessions that have expired', async () => {
    const user = await givenUser(server)
    server.pass('8d')
    const ended = await givenSession(server, user)
    await server.send('POST', '/logout', { token: ended.access_token })
    const { access_token } = await givenSession(server, user)
    const { body } = await list(access_token)
    expect(body.sessions.map(({ id }: { id: string }) => id)).toEqual([await idOf(access_token)])
  })

  // Who had logged in a hundred times since could not see, nor tell apart, the session that asked.
  it('lists the current session however many are newer', async () => {
    await withServer({ ...server.settings, SESSIONS_PER_USER: '200' }, async (roomy) => {
      const user = await givenUser(roomy)
      for (let logins = 0; logins < 101; logins += 1) await givenSession(roomy, user)
      const { sessions } = (await list(user.access_token)).body
      expect(sessions).toHaveLength(101)
      expect(sessions.findIndex(({ current }: { current: boolean }) => current)).toBe(100)
      expect(sessions[100].id).toBe(await idOf(user.access_token))
      const created = sessions.map(({ created_at }: { created_at: string }) => created_at)
      expect(created).toEqual(created.toSorted().toReversed())
    })
  })

  it("shows nobody else's sessions", async () => {
    const [user] = [await givenUser(server), await givenUser(server)]
    expect((await list(user.access_token)).body.sessions).toHaveLength(1)
  })

  it('wants a live access token', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await list())).toBe('401 unauthenticated')
    expect(refusalOf(await list(user.refresh_token))).toBe('401 token_invalid')
    await server.send('POST', '/logout', { token: user.access_token })
    expect(refusalOf(await list(user.access_token))).toBe('401 session_revoked')
  })
})
