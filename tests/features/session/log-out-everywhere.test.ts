import { refusalOf } from '../../support/answers.ts'
import { givenSession, givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const logOutEverywhere = (token?: string) => server.send('POST', '/logout_all', { token })

describe('POST /logout_all', () => {
  it('ends every session of the caller, this one too, and says how many', async () => {
    const user = await givenUser(server)
    const others = [await givenSession(server, user), await givenSession(server, user)]
    const { status, body } = await logOutEverywhere(user.access_token)
    expect([status, body]).toEqual([200, { detail: 'You are logged out everywhere', sessions_ended: 3 }])
    for (const { access_token, refresh_token } of [user, ...others]) {
      expect(refusalOf(await server.send('GET', '/session', { token: access_token }))).toBe('401 session_revoked')
      expect(refusalOf(await server.send('POST', '/access_token', { body: { refresh_token } }))).toBe(
        '401 session_revoked',
      )
    }
  })

  it('counts neither sessions that had ended nor sessions that had expired', async () => {
    const user = await givenUser(server)
    server.pass('8d')
    const ended = await givenSession(server, user)
    await server.send('POST', '/logout', { token: ended.access_token })
    const { access_token } = await givenSession(server, user)
    expect((await logOutEverywhere(access_token)).body.sessions_ended).toBe(1)
  })

  it('ends the sessions of this user only', async () => {
    const [user, otherUser] = [await givenUser(server), await givenUser(server)]
    await logOutEverywhere(user.access_token)
    expect((await server.send('GET', '/session', { token: otherUser.access_token })).status).toBe(200)
  })

  it('lets the user log in again', async () => {
    const user = await givenUser(server)
    await logOutEverywhere(user.access_token)
    const { access_token } = await givenSession(server, user)
    expect((await server.send('GET', '/session', { token: access_token })).status).toBe(200)
  })

  it('is recorded with its reason and count', async () => {
    const user = await givenUser(server)
    await logOutEverywhere(user.access_token)
    const event = await server.database.db.event.findFirstOrThrow({
      where: { userId: user.id, type: 'sessions_ended' },
    })
    expect(event.details).toEqual({ reason: 'logout', count: 1 })
  })

  it('demands a valid access token', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await logOutEverywhere())).toBe('401 unauthenticated')
    expect(refusalOf(await logOutEverywhere(user.refresh_token))).toBe('401 token_invalid')
    await logOutEverywhere(user.access_token)
    expect(refusalOf(await logOutEverywhere(user.access_token))).toBe('401 session_revoked')
  })
})
