import { keysOf, pairKeys, refusalOf, secondsBetween, visibleOf } from '../../support/answers.ts'
import { eventsOf, givenDisabled, givenUser, logIn, randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const issue = (username: string, password: string) =>
  server.send('POST', '/refresh_token', { body: { username, password } })

describe('POST /refresh_token', () => {
  it('answers with the token pair of a new session and nothing else', async () => {
    const user = await givenUser(server)
    const { status, body } = await issue(user.username, user.password)
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(pairKeys)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_expires_in: 604_800 })
    const [mine, other] = await Promise.all([
      server.send('GET', '/session', { token: body.access_token }),
      server.send('GET', '/session', { token: user.access_token }),
    ])
    expect([mine.status, other.status]).toEqual([200, 200])
    expect(mine.body.session.id).not.toBe(other.body.session.id)
    expect(mine.body.user.id).toBe(user.id)
    expect((await server.send('POST', '/access_token', { body: { refresh_token: body.refresh_token } })).status).toBe(
      200,
    )
  })

  it('takes the address as well', async () => {
    const user = await givenUser(server)
    expect((await issue(user.email.toUpperCase(), user.password)).status).toBe(200)
  })

  it('refuses like a login, byte for byte, for every reason', async () => {
    const user = await givenUser(server)
    const disabled = await givenUser(server)
    await givenDisabled(server, disabled)
    const answers = [
      await issue(user.username, 'correct horse batterx'),
      await issue(randomUser().username, user.password),
      await issue(disabled.email, disabled.password),
      await logIn(server, user.username, 'correct horse batterx'),
    ]
    for (const answer of answers) expect(refusalOf(answer)).toBe('401 credentials_invalid')
    expect(new Set(answers.map(visibleOf)).size).toBe(1)
  })

  it('counts as a login: it is recorded and shows in the profile', async () => {
    const user = await givenUser(server)
    server.pass('1h')
    const { body } = await issue(user.username, user.password)
    expect((await eventsOf(server, user)).map(({ type }) => type).slice(-1)).toEqual(['login_succeeded'])
    const { body: profile } = await server.send('GET', '/profile', { token: body.access_token })
    expect(secondsBetween(profile.date_joined, profile.last_login)).toBe(3600)
  })
})
