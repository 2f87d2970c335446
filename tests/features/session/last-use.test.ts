import type { Response } from 'supertest'
import type { User } from '../../support/fixtures.ts'
import { givenUser, givenVerifiedUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ TRUST_PROXY: '1' })
})
afterAll(() => server.close())

const home = { 'X-Forwarded-For': '192.0.2.1', 'User-Agent': 'a browser at home' }
const train = { 'X-Forwarded-For': '198.51.100.7', 'User-Agent': 'a telephone on a train' }

async function givenAtHome(): Promise<User> {
  const { username, password, ...user } = await givenVerifiedUser(server)
  const { body } = await server.send('POST', '/login_credentials', { body: { username, password }, headers: home })
  return { ...user, username, password, ...body }
}

const show = async (token: string) => (await server.send('GET', '/session', { token })).body.session
const atHome = { ip: '192.0.2.1', user_agent: 'a browser at home' }

/** The requests that give tokens to an open session. */
const ways: readonly (readonly [name: string, ask: (user: User) => Promise<Response>])[] = [
  [
    'POST /access_token',
    ({ refresh_token }) => server.send('POST', '/access_token', { body: { refresh_token }, headers: train }),
  ],
  ['GET /tokens', ({ access_token: token }) => server.send('GET', '/tokens', { token, headers: train })],
  ['POST /tokens', ({ access_token: token }) => server.send('POST', '/tokens', { token, headers: train })],
  [
    'POST /change_password',
    ({ access_token: token, password }) =>
      server.send('POST', '/change_password', {
        token,
        body: { current_password: password, new_password: 'another good password' },
        headers: train,
      }),
  ],
  [
    'POST /api/auth/token/refresh/',
    ({ refresh_token: refresh }) =>
      server.send('POST', '//api/auth/token/refresh/', { body: { refresh }, headers: train }),
  ],
  [
    'POST /api/refresh/',
    ({ refresh_token: refresh }) => server.send('POST', '//api/refresh/', { body: { refresh }, headers: train }),
  ],
  [
    'POST /api/v1/drf/auth/token/refresh/',
    ({ refresh_token }) =>
      server.send('POST', '//api/v1/drf/auth/token/refresh/', { body: { refresh_token }, headers: train }),
  ],
]

describe('a session', () => {
  it('shows where it was opened as the place of its last use', async () => {
    const { access_token } = await givenAtHome()
    expect(await show(access_token)).toMatchObject({
      ...atHome,
      last_ip: atHome.ip,
      last_user_agent: atHome.user_agent,
    })
  })

  it.each(ways)('shows from where tokens were last asked for: %s', async (_name, ask) => {
    const user = await givenAtHome()
    server.pass('1m')
    const { status, body } = await ask(user)
    expect(status).toBe(200)
    const token = body.access_token ?? body.access
    const shown = await show(token)
    expect(shown).toMatchObject({ ...atHome, last_ip: '198.51.100.7', last_user_agent: 'a telephone on a train' })
    expect(Date.parse(shown.last_used_at) - Date.parse(shown.created_at)).toBeGreaterThanOrEqual(60_000)
    const { sessions } = (await server.send('GET', '/sessions', { token })).body
    expect(sessions.find(({ current }: { current: boolean }) => current)).toEqual(shown)
  })

  it('keeps the place of its last use when a token is only shown', async () => {
    const { access_token: token } = await givenAtHome()
    await server.send('GET', '/profile', { token, headers: train })
    await server.send('POST', '/verify_token', { body: { token }, headers: train })
    expect((await show(token)).last_ip).toBe(atHome.ip)
  })

  it('of another user is not touched', async () => {
    const other = await givenUser(server)
    const user = await givenAtHome()
    await server.send('GET', '/tokens', { token: user.access_token, headers: train })
    expect((await show(other.access_token)).last_ip).toBe('127.0.0.1')
  })
})
