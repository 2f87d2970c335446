import { refusalOf } from '../../support/answers.ts'
import { collide, many } from '../../support/collision.ts'
import { givenSession, givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const end = (id: string, token?: string) => server.send('DELETE', `/sessions/${id}`, { token })
const idOf = async (token: string): Promise<string> => (await server.send('GET', '/session', { token })).body.session.id

describe('DELETE /sessions/{id}', () => {
  it('ends another session of the caller, whose next request is refused', async () => {
    const user = await givenUser(server)
    const other = await givenSession(server, user)
    const answer = await end(await idOf(other.access_token), user.access_token)
    expect(answer.status).toBe(204)
    expect(answer.text).toBe('')
    expect(answer.headers['content-type']).toBeUndefined()
    expect(refusalOf(await server.send('GET', '/session', { token: other.access_token }))).toBe('401 session_revoked')
    const { refresh_token } = other
    expect(refusalOf(await server.send('POST', '/access_token', { body: { refresh_token } }))).toBe(
      '401 session_revoked',
    )
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
  })

  it('ends the current session too', async () => {
    const { access_token } = await givenUser(server)
    expect((await end(await idOf(access_token), access_token)).status).toBe(204)
    expect(refusalOf(await server.send('GET', '/session', { token: access_token }))).toBe('401 session_revoked')
  })

  it('takes the id in capitals', async () => {
    const { access_token } = await givenUser(server)
    expect((await end((await idOf(access_token)).toUpperCase(), access_token)).status).toBe(204)
  })

  it('refuses the session of another user like a missing one, and leaves it alone', async () => {
    const [user, otherUser] = [await givenUser(server), await givenUser(server)]
    const foreign = await end(await idOf(otherUser.access_token), user.access_token)
    const unknown = await end('0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c', user.access_token)
    expect(refusalOf(foreign)).toBe('404 session_not_found')
    expect(refusalOf(unknown)).toBe('404 session_not_found')
    expect({ ...foreign.body, request_id: '' }).toEqual({ ...unknown.body, request_id: '' })
    expect((await server.send('GET', '/session', { token: otherUser.access_token })).status).toBe(200)
  })

  it.each([
    'garbage',
    '0',
    'null',
    'undefined',
    '__proto__',
    'constructor',
    '%00',
    '%20',
    '..%2F..%2Fsessions',
    '%F0%9F%92%A9',
    '%7B%22not%22%3A%22%22%7D',
    "'%20OR%201=1--",
    'x'.repeat(5000),
  ])('has no session %j', async (id) => {
    const { access_token } = await givenUser(server)
    expect(refusalOf(await end(id, access_token))).toBe('404 session_not_found')
    expect((await server.send('GET', '/session', { token: access_token })).status).toBe(200)
  })

  it('refuses an id that is not even text', async () => {
    const { access_token } = await givenUser(server)
    for (const id of ['%', '%E0%A4%A', '%FF', '%ED%A0%80']) {
      expect(refusalOf(await end(id, access_token))).toBe('400 invalid_request')
    }
  })

  it('does not find a session that has ended, for whatever reason', async () => {
    const user = await givenUser(server)
    const [ended, loggedOut] = [await givenSession(server, user), await givenSession(server, user)]
    const ids = [await idOf(ended.access_token), await idOf(loggedOut.access_token)] as const
    await end(ids[0], user.access_token)
    await server.send('POST', '/logout', { token: loggedOut.access_token })
    for (const id of ids) expect(refusalOf(await end(id, user.access_token))).toBe('404 session_not_found')
  })

  it('does not find an expired session', async () => {
    const user = await givenUser(server)
    const id = await idOf(user.access_token)
    server.pass('8d')
    const { access_token } = await givenSession(server, user)
    expect(refusalOf(await end(id, access_token))).toBe('404 session_not_found')
  })

  it('lets one of 10 requests at once end it, and records that once', async () => {
    const user = await givenUser(server)
    const id = await idOf((await givenSession(server, user)).access_token)
    const answers = await collide(
      server,
      user.id,
      many(10, () => end(id, user.access_token)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(404)])
    const events = await server.database.db.event.findMany({ where: { sessionId: id, type: 'session_ended' } })
    expect(events.map(({ details }) => details)).toEqual([{ reason: 'ended_by_user' }])
  })

  it('demands a valid access token', async () => {
    const user = await givenUser(server)
    const id = await idOf(user.access_token)
    expect(refusalOf(await end(id))).toBe('401 unauthenticated')
    expect(refusalOf(await end(id, user.refresh_token))).toBe('401 token_invalid')
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
  })
})
