import { refusalOf } from './support/answers.ts'
import { countSessions, eventsOf, givenMailedToken, randomUser } from './support/fixtures.ts'
import type { TestServer } from './support/server.ts'
import { startServer } from './support/server.ts'

/** The servers that a test sends to: one, or several that share a database and take turns. */
type Speaker = Pick<TestServer, 'send' | 'mails'>

async function startServers(count: number, settings: Readonly<Record<string, string>>): Promise<TestServer[]> {
  const first = await startServer(settings)
  const servers = [first]
  while (servers.length < count) {
    servers.push(await startServer(first.settings))
  }
  return servers
}

/** Every request goes to the next server, so that nothing can depend on the memory of one. */
function inTurns(servers: readonly TestServer[]): Speaker {
  let turn = 0
  return {
    send(...request) {
      turn += 1
      return (servers[turn % servers.length] as TestServer).send(...request)
    },
    async mails() {
      const mails = []
      for (const server of servers) mails.push(...(await server.mails()))
      return mails
    },
  }
}

describe.each([
  ['one server', 1],
  ['two servers in turns', 2],
] as const)('the whole life of a user with %s', (_name, count) => {
  let servers: TestServer[]
  let server: TestServer
  let required: TestServer[]
  beforeAll(async () => {
    servers = await startServers(count, {})
    required = await startServers(count, { EMAIL_VERIFICATION: 'required' })
    server = servers[0] as TestServer
  })
  afterAll(async () => {
    await Promise.all([...servers, ...required].map((each) => each.close()))
  })

  it('goes from registration to the last logout, and leaves no session alive', async () => {
    const { send, ...rest } = inTurns(servers)
    const post = (path: string, body: object, token?: string) => send('POST', path, { body, token })
    const get = (path: string, token: string) => send('GET', path, { token })
    const speaker = { ...server, send, ...rest }
    const credentials = randomUser()
    const { username, email } = credentials
    const everyToken: { access_token: string; refresh_token: string }[] = []
    const remember = <Pair extends { access_token: string; refresh_token: string }>(pair: Pair) => {
      everyToken.push(pair)
      return pair
    }

    const registered = await post('/register_credentials', credentials)
    expect(registered.status).toBe(201)
    remember(registered.body)
    expect(registered.body.user).toMatchObject({ username, email, email_verified: false, account_status: 'active' })

    const verification = await givenMailedToken(speaker, email, /verify/i)
    expect((await post('/verify_email', { token: verification })).status).toBe(200)
    expect((await get('/profile', registered.body.access_token)).body.email_verified).toBe(true)
    expect((await post('/verify_email', { token: verification })).status).toBe(200)

    const phone = remember((await post('/login_credentials', { username: email, password: credentials.password })).body)
    const laptop = remember((await post('/refresh_token', { username, password: credentials.password })).body)
    expect((await get('/sessions', phone.access_token)).body.sessions).toHaveLength(3)

    const refreshed = await post('/access_token', { refresh_token: phone.refresh_token })
    expect(refreshed.status).toBe(200)
    remember(refreshed.body)
    expect((await post('/access_token', { refresh_token: phone.refresh_token })).text).toBe(refreshed.text)
    const rotated = await send('GET', '/tokens', { token: refreshed.body.access_token })
    expect(rotated.status).toBe(200)
    remember(rotated.body)

    const renamed = await send('PATCH', '/profile', { token: rotated.body.access_token, body: { first_name: 'Ada' } })
    expect(renamed.body.full_name).toBe('Ada')
    expect((await get('/session', laptop.access_token)).body.user.full_name).toBe('Ada')

    const second = 'a second good password'
    const change = { current_password: credentials.password, new_password: second }
    const changed = await post('/change_password', change, rotated.body.access_token)
    expect(changed.status).toBe(200)
    remember(changed.body)
    expect(refusalOf(await get('/session', laptop.access_token))).toBe('401 session_revoked')
    expect(refusalOf(await get('/session', registered.body.access_token))).toBe('401 session_revoked')
    expect((await get('/sessions', changed.body.access_token)).body.sessions).toHaveLength(1)
    expect(refusalOf(await post('/login_credentials', { username, password: credentials.password }))).toBe(
      '401 credentials_invalid',
    )

    expect((await post('/forgot_password', { email })).status).toBe(200)
    const reset = await givenMailedToken(speaker, email, /reset/i)
    const third = 'a third good password'
    expect((await post('/reset_password', { token: reset, new_password: third })).status).toBe(200)
    expect(refusalOf(await post('/reset_password', { token: reset, new_password: 'a fourth good password' }))).toBe(
      '400 reset_token_invalid',
    )
    expect(refusalOf(await get('/session', changed.body.access_token))).toBe('401 session_revoked')
    expect(refusalOf(await post('/login_credentials', { username, password: second }))).toBe('401 credentials_invalid')

    const last = await post('/login_credentials', { username, password: third })
    expect(last.status).toBe(200)
    remember(last.body)
    expect((await post('/logout', {}, last.body.access_token)).status).toBe(200)

    for (const { access_token, refresh_token } of everyToken) {
      expect(refusalOf(await get('/session', access_token))).toBe('401 session_revoked')
      expect(refusalOf(await post('/access_token', { refresh_token }))).toBe('401 session_revoked')
      expect((await post('/verify_token', { token: access_token })).body).toEqual({ active: false })
      expect((await post('/verify_token', { token: refresh_token })).body).toEqual({ active: false })
    }
    expect(await countSessions(server, last.body.user)).toBe(0)

    const subjects = (await rest.mails()).filter(({ recipient }) => recipient === email).map(({ subject }) => subject)
    expect(subjects.sort()).toEqual([
      'Reset your password',
      'Verify your e-mail address',
      'Your password was changed',
      'Your password was changed',
    ])
    const events = await eventsOf(server, last.body.user)
    expect(events.map(({ type }) => type)).toEqual([
      'user_registered',
      'login_succeeded',
      'email_verified',
      'login_succeeded',
      'login_succeeded',
      'renewed_with_access_token',
      'profile_changed',
      'sessions_ended',
      'password_changed',
      'login_failed',
      'password_reset_requested',
      'sessions_ended',
      'password_reset',
      'login_failed',
      'login_succeeded',
      'session_ended',
    ])
  })

  it('begins with the mail where verification is required', async () => {
    const { send, ...rest } = inTurns(required)
    const speaker = { ...(required[0] as TestServer), send, ...rest }
    const credentials = randomUser()
    const { username, email, password } = credentials
    const registered = await send('POST', '/register_credentials', { body: credentials })
    expect(registered.status).toBe(201)
    expect(registered.body).toEqual({ detail: expect.any(String), email, verification_required: true })
    const early = await send('POST', '/login_credentials', { body: { username, password } })
    expect(refusalOf(early)).toBe('403 email_not_verified')
    const token = await givenMailedToken(speaker, email, /verify/i)
    expect((await send('POST', '/verify_email', { body: { token, password: credentials.password } })).status).toBe(200)
    const { status, body } = await send('POST', '/login_credentials', { body: { username, password } })
    expect([status, body.user.email_verified]).toEqual([200, true])
    expect((await send('POST', '/logout_all', { token: body.access_token })).body.sessions_ended).toBe(1)
    expect(refusalOf(await send('GET', '/session', { token: body.access_token }))).toBe('401 session_revoked')
  })

  it('ends for both holders when a refresh token is copied', async () => {
    const { send, mails } = inTurns(servers)
    const credentials = randomUser()
    const { body } = await send('POST', '/register_credentials', { body: credentials })
    const refresh = (refresh_token: string) => send('POST', '/access_token', { body: { refresh_token } })
    const thief = await refresh((await refresh(body.refresh_token)).body.refresh_token)
    expect(refusalOf(await refresh(body.refresh_token))).toBe('401 refresh_token_reused')
    expect(refusalOf(await refresh(thief.body.refresh_token))).toBe('401 session_revoked')
    expect(refusalOf(await send('GET', '/session', { token: thief.body.access_token }))).toBe('401 session_revoked')
    const subjects = (await mails())
      .filter(({ recipient }) => recipient === credentials.email)
      .map(({ subject }) => subject)
    expect(subjects).toContain('We ended one of your sessions')
  })
})
