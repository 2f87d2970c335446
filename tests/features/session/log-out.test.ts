import { refusalOf } from '../../support/answers.ts'
import { collide, many } from '../../support/collision.ts'
import type { TokenPair } from '../../support/fixtures.ts'
import { givenSession, givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

interface Shown {
  readonly refresh?: string | undefined
  readonly access?: string | undefined
}

const logOut = ({ refresh, access }: Shown) =>
  server.send('POST', '/logout', {
    token: access,
    body: refresh === undefined ? undefined : { refresh_token: refresh },
  })

async function expectEnded({ access_token, refresh_token }: TokenPair): Promise<void> {
  expect(refusalOf(await server.send('GET', '/session', { token: access_token }))).toBe('401 session_revoked')
  expect(refusalOf(await server.send('POST', '/access_token', { body: { refresh_token } }))).toBe('401 session_revoked')
}

async function expectAlive({ access_token }: TokenPair): Promise<void> {
  expect((await server.send('GET', '/session', { token: access_token })).status).toBe(200)
}

describe('POST /logout', () => {
  it('ends the session of the refresh token and no other', async () => {
    const user = await givenUser(server)
    const other = await givenSession(server, user)
    const { status, body } = await logOut({ refresh: user.refresh_token })
    expect([status, body]).toEqual([200, { detail: 'You are logged out' }])
    await expectEnded(user)
    await expectAlive(other)
  })

  it('ends the session of the bearer token, with an empty body, an empty object or none', async () => {
    const user = await givenUser(server)
    const sessions = [user, await givenSession(server, user), await givenSession(server, user)] as const
    const [first, second, third] = sessions
    expect((await server.send('POST', '/logout', { token: first.access_token })).status).toBe(200)
    expect((await server.send('POST', '/logout', { token: second.access_token, body: {} })).status).toBe(200)
    const empty = server
      .raw('POST', '/logout')
      .set('Authorization', `Bearer ${third.access_token}`)
      .type('text')
      .send('')
    expect((await empty).status).toBe(200)
    await Promise.all(sessions.map(expectEnded))
  })

  it('ends the one session of both tokens', async () => {
    const user = await givenUser(server)
    expect((await logOut({ refresh: user.refresh_token, access: user.access_token })).status).toBe(200)
    await expectEnded(user)
  })

  it('ends both sessions when the tokens are of two', async () => {
    const user = await givenUser(server)
    const other = await givenSession(server, user)
    expect((await logOut({ refresh: user.refresh_token, access: other.access_token })).status).toBe(200)
    await Promise.all([user, other].map(expectEnded))
  })

  it('may be sent twice, with either token', async () => {
    const user = await givenUser(server)
    for (const shown of [{ refresh: user.refresh_token }, { access: user.access_token }]) {
      const [first, second] = [await logOut(shown), await logOut(shown)]
      expect([first.status, second.status]).toEqual([200, 200])
      expect(second.text).toBe(first.text)
    }
    await expectEnded(user)
  })

  it('is recorded once, however often it is sent', async () => {
    const user = await givenUser(server)
    await collide(
      server,
      user.id,
      many(10, () => logOut({ refresh: user.refresh_token })),
    )
    const events = await server.database.db.event.findMany({ where: { userId: user.id, type: 'session_ended' } })
    expect(events.map(({ details }) => details)).toEqual([{ reason: 'logout' }])
  })

  it('ends a session whose password is changed at that moment', async () => {
    const { id, password, access_token: token, refresh_token: refresh } = await givenUser(server)
    const body = { current_password: password, new_password: 'another good password' }
    const change = () => server.send('POST', '/change_password', { token, body })
    const answers = await collide(server, id, [change, () => logOut({ refresh })])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    await expectEnded(answers[0]?.body)
  })

  it('takes a refresh token that was rotated', async () => {
    const user = await givenUser(server)
    const child = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    server.pass('1m')
    expect((await logOut({ refresh: user.refresh_token })).status).toBe(200)
    await expectEnded(child.body)
  })

  it('accepts a refresh token that has expired, as its session is over', async () => {
    const user = await givenUser(server)
    server.pass('8d')
    expect((await logOut({ refresh: user.refresh_token })).status).toBe(200)
  })

  it('takes a refresh token beside an access token that has expired', async () => {
    const user = await givenUser(server)
    server.pass('16m')
    expect(refusalOf(await logOut({ access: user.access_token }))).toBe('401 access_token_expired')
    expect((await logOut({ refresh: user.refresh_token, access: user.access_token })).status).toBe(200)
    expect(refusalOf(await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } }))).toBe(
      '401 session_revoked',
    )
  })

  it('takes a refresh token of a deleted user', async () => {
    const user = await givenUser(server)
    await server.database.db.user.delete({ where: { id: user.id } })
    expect((await logOut({ refresh: user.refresh_token })).status).toBe(200)
  })

  it('refuses garbage and ends nothing, even beside a good access token', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await logOut({ refresh: 'garbage' }))).toBe('401 token_invalid')
    expect(refusalOf(await logOut({ access: 'garbage' }))).toBe('401 token_invalid')
    expect(refusalOf(await logOut({ refresh: 'garbage', access: user.access_token }))).toBe('401 token_invalid')
    await expectAlive(user)
  })

  it('refuses a token of the other kind', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await logOut({ refresh: user.access_token }))).toBe('401 token_invalid')
    expect(refusalOf(await logOut({ access: user.refresh_token }))).toBe('401 token_invalid')
    await expectAlive(user)
  })

  it('demands one of the two tokens', async () => {
    expect(refusalOf(await logOut({}))).toBe('401 unauthenticated')
    expect(refusalOf(await server.send('POST', '/logout', { body: {} }))).toBe('401 unauthenticated')
  })
})
