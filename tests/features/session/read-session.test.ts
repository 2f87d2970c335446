import { findSession } from '../../../src/features/session/statements/find-session.ts'
import { instant, refusalOf, secondsBetween, shownUser, uuid } from '../../support/answers.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser, givenVerificationToken } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const read = (token?: string) => server.send('GET', '/session', { token })

describe('GET /session', () => {
  it('answers with the session and the account of the caller, and with nothing else', async () => {
    const user = await givenUser(server)
    const { status, body } = await read(user.access_token)
    expect(status).toBe(200)
    expect(body).toEqual({
      session: {
        id: expect.stringMatching(uuid),
        created_at: expect.stringMatching(instant),
        last_used_at: expect.stringMatching(instant),
        expires_at: expect.stringMatching(instant),
        ends_at: expect.stringMatching(instant),
        ip: '127.0.0.1',
        user_agent: '',
        last_ip: '127.0.0.1',
        last_user_agent: '',
        current: true,
      },
      user: shownUser(user),
    })
  })

  // The statement that every request runs names the columns itself.
  it('finds each column of the session and of the user', async () => {
    const user = await givenUser(server)
    const { db } = server.database
    const { session_id: id } = (await server.send('POST', '/verify_token', { body: { token: user.access_token } })).body
    // No column has the value of another one, or its default.
    const instants = (names: readonly string[], from: number) =>
      Object.fromEntries(names.map((name, index) => [name, new Date(from + index * 1001)]))
    const ofSession = ['createdAt', 'rotatedAt', 'lastUsedAt', 'expiresAt', 'endsAt', 'revokedAt']
    const ofUser = ['emailVerifiedAt', 'disabledAt', 'lastLoginAt', 'joinedAt', 'sessionsEndedAt', 'epochBeganAt']
    const flags = { phoneNumberVerified: true, isStaff: true, isPractitioner: true }
    const names = { firstName: 'Ada', lastName: 'King', displayName: 'Countess', phoneNumber: '+44', timezone: 'UTC' }
    await db.user.update({
      where: { id: user.id },
      data: { ...names, ...flags, ...instants(ofUser, 1_800_000_000_000), sessionEpoch: 7 },
    })
    const places = { ip: '192.0.2.1', userAgent: 'first', lastIp: '192.0.2.2', lastUserAgent: 'last' }
    const numbers = {
      generation: 1,
      epoch: 2,
      accessLifetime: 3,
      refreshLifetime: 4,
      unseen: true,
      revokedReason: 'logout',
    }
    await db.session.update({
      where: { id },
      data: { ...places, ...numbers, ...instants(ofSession, 1_900_000_000_000) },
    })
    const session = await db.session.findUnique({ where: { id } })
    expect(await findSession(db, id)).toEqual({
      ...session,
      user: await db.user.findUnique({ where: { id: user.id } }),
    })
  })

  // `row_to_json` leaves out a column that another version of the schema does not have, where a SELECT of it fails.
  it('lets no session through while an instant that decides about it cannot be read', async () => {
    await withServer({}, async (drifted) => {
      const { access_token: token } = await givenUser(drifted)
      const { db } = drifted.database
      const decisive = {
        sessions: ['expires_at', 'ends_at', 'rotated_at', 'revoked_at'],
        users: ['email_verified_at', 'disabled_at'],
      }
      for (const [table, columns] of Object.entries(decisive)) {
        for (const column of columns) {
          await db.$executeRawUnsafe(`ALTER TABLE ${table} RENAME COLUMN ${column} TO renamed`)
          const answer = await drifted.send('GET', '/profile', { token })
          await db.$executeRawUnsafe(`ALTER TABLE ${table} RENAME COLUMN renamed TO ${column}`)
          expect([column, refusalOf(answer)]).toEqual([column, '500 internal_error'])
        }
      }
      expect((await drifted.send('GET', '/profile', { token })).status).toBe(200)
    })
  })

  it('shows both limits of the session', async () => {
    const { body } = await read((await givenUser(server)).access_token)
    const { created_at, last_used_at, expires_at, ends_at } = body.session
    const days = (until: string) => (Date.parse(until) - Date.parse(created_at)) / 86_400_000
    expect([days(last_used_at), days(expires_at), days(ends_at)]).toEqual([0, 7, 30])
  })

  it('shows where the session was opened, wherever it is used', async () => {
    const user = await givenUser(server)
    const { username, password } = user
    const opened = await server.send('POST', '/login_credentials', {
      body: { username, password },
      headers: { 'User-Agent': `Browser ${'x'.repeat(600)}` },
    })
    const { body } = await server.send('GET', '/session', {
      token: opened.body.access_token,
      headers: { 'User-Agent': 'another' },
    })
    expect(body.session.user_agent).toBe(`Browser ${'x'.repeat(600)}`.slice(0, 512))
  })

  it('keeps no control character of the name that the browser gives itself', async () => {
    const { username, password } = await givenUser(server)
    const { body } = await exchange(server.url, '/api/v1/auth/login_credentials', {
      method: 'POST',
      headers: { 'User-Agent': 'a\u0080b\u009b31mc\td\u00e9', 'Content-Type': 'application/json' },
      body: JSON.stringify({ username, password }),
    })
    const answer = await server.send('GET', '/session', { token: body.access_token })
    expect(answer.body.session.user_agent).toBe('ab31mcd\u00e9')
  })

  it('shows a changed role at the next request', async () => {
    const user = await givenUser(server)
    expect((await read(user.access_token)).body.user.is_staff).toBe(false)
    await server.database.db.user.update({ where: { id: user.id }, data: { isStaff: true } })
    expect((await read(user.access_token)).body.user.is_staff).toBe(true)
  })

  it('takes an older access token of the session for as long as it lives', async () => {
    const user = await givenUser(server)
    await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    expect((await read(user.access_token)).status).toBe(200)
  })

  it('refuses from the moment the access token expires', async () => {
    const user = await givenUser(server)
    server.pass('898s')
    expect((await read(user.access_token)).status).toBe(200)
    server.pass('2s')
    expect(refusalOf(await read(user.access_token))).toBe('401 access_token_expired')
  })

  it('refuses at the next request after the user was disabled or deleted', async () => {
    const { db } = server.database
    const [disabled, deleted] = [await givenUser(server), await givenUser(server)]
    await db.user.update({ where: { id: disabled.id }, data: { disabledAt: server.now() } })
    expect(refusalOf(await read(disabled.access_token))).toBe('401 session_revoked')
    await db.user.delete({ where: { id: deleted.id } })
    expect(refusalOf(await read(deleted.access_token))).toBe('401 session_revoked')
  })

  it('refuses at the idle limit even with an access token that has not expired', async () => {
    await withServer({ REFRESH_TOKEN_LIFETIME: '1h' }, async (brief) => {
      const user = await givenUser(brief)
      await brief.send('POST', '/verify_email', { body: { token: await givenVerificationToken(brief, user) } })
      brief.pass('55m')
      const late = await brief.send('POST', '//api/auth/login/refresh/', { body: { refresh: user.refresh_token } })
      const readLate = () => brief.send('GET', '/session', { token: late.body.access })
      expect((await readLate()).status).toBe(200)
      brief.pass('6m')
      expect(refusalOf(await readLate())).toBe('401 session_expired')
    })
  })

  it('demands an access token', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await read())).toBe('401 unauthenticated')
    expect(refusalOf(await read('garbage'))).toBe('401 token_invalid')
    expect(refusalOf(await read(user.refresh_token))).toBe('401 token_invalid')
  })

  it('shows each session of a user its own metadata', async () => {
    const user = await givenUser(server)
    server.pass('10m')
    const { body: other } = await server.send('POST', '/login_credentials', {
      body: { username: user.username, password: user.password },
      headers: { 'User-Agent': 'another browser' },
    })
    const [first, second] = [(await read(user.access_token)).body, (await read(other.access_token)).body]
    expect(first.user).toEqual(second.user)
    expect([first.session.user_agent, second.session.user_agent]).toEqual(['', 'another browser'])
    expect([first.session.current, second.session.current]).toEqual([true, true])
    for (const field of ['created_at', 'last_used_at', 'expires_at', 'ends_at']) {
      expect(secondsBetween(first.session[field], second.session[field])).toBe(600)
    }
    expect(second.session.id).not.toBe(first.session.id)
  })
})
