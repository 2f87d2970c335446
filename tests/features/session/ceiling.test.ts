import { refusalOf, times } from '../../support/answers.ts'
import { collide, many } from '../../support/collision.ts'
import { countSessions, eventsOf, givenResetToken, givenSession, givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DATABASE_POOL: '60', HASH_QUEUE: '1000', SESSIONS_PER_USER: '5' })
})
afterAll(() => server.close())

const look = ({ access_token }: { access_token: string }) => server.send('GET', '/session', { token: access_token })
const refresh = ({ refresh_token }: { refresh_token: string }) =>
  server.send('POST', '/access_token', { body: { refresh_token } })

/** So many copies of a session of the user, with other ids. */
async function givenCopies({ id }: { id: number }, count: number): Promise<void> {
  await server.database.db.$executeRaw`
    INSERT INTO sessions (id, user_id, access_lifetime, refresh_lifetime, created_at, rotated_at, last_used_at, expires_at, ends_at, ip, user_agent, last_ip, last_user_agent)
    SELECT gen_random_uuid(), user_id, access_lifetime, refresh_lifetime, created_at, rotated_at, last_used_at, expires_at, ends_at, ip, user_agent, last_ip, last_user_agent
    FROM sessions CROSS JOIN generate_series(1, ${count}::integer) WHERE user_id = ${id}`
}

/** The version of each row, which changes with every write. */
function versionsOf({ id }: { id: number }) {
  return server.database.db.$queryRaw<object[]>`SELECT id, xmin::text FROM sessions WHERE user_id = ${id} ORDER BY id`
}

describe('SESSIONS_PER_USER', () => {
  it('ends the longest idle session when one more is opened, and records it', async () => {
    const user = await givenUser(server)
    const sessions = []
    for (let index = 0; index < 4; index += 1) {
      server.pass('1m')
      sessions.push(await givenSession(server, user))
    }
    const refreshed = (await refresh(user)).body
    const idlest = (await look(sessions[0] ?? user)).body.session.id
    server.pass('1m')
    const newest = await givenSession(server, user)
    expect(refusalOf(await look(sessions[0] ?? user))).toBe('401 session_revoked')
    expect(refusalOf(await refresh(sessions[0] ?? user))).toBe('401 session_revoked')
    for (const session of [refreshed, ...sessions.slice(1), newest]) expect((await look(session)).status).toBe(200)
    const ended = (await eventsOf(server, user)).filter(({ type }) => type === 'session_ended')
    expect(ended.map(({ sessionId, details }) => [sessionId, details])).toEqual([[idlest, { reason: 'displaced' }]])
    expect(server.logged.filter((line) => line.includes('displaced') && line.includes(idlest))).toHaveLength(1)
  })

  it('is kept by 50 logins at once', async () => {
    const user = await givenUser(server)
    const { username, password } = user
    const logInBy = (headers: Record<string, string>) =>
      server.send('POST', '/login_credentials', { body: { username, password }, headers })
    // From 50 trusted devices, as logins of one client run one after the other.
    const devices: string[] = []
    for (let index = 0; index < 50; index += 1) {
      const { headers } = await logInBy({ 'Sec-Fetch-Site': 'same-origin' })
      devices.push(/device=[^;]+/.exec(String(headers['set-cookie']))?.[0] ?? '')
    }
    const answers = await collide(
      server,
      user.id,
      many(50, () => logInBy({ Cookie: devices.pop() ?? '' })),
      'users',
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(await countSessions(server, user)).toBe(5)
    const looks = await Promise.all(answers.map(({ body }) => look(body)))
    expect(looks.filter(({ status }) => status === 200)).toHaveLength(5)
    const ended = (await eventsOf(server, user)).filter(({ type }) => type === 'session_ended')
    expect(new Set(ended.map(({ sessionId }) => sessionId)).size).toBe(96)
    expect(ended).toHaveLength(96)
  })

  it('counts neither sessions that have ended nor sessions that have expired', async () => {
    const user = await givenUser(server)
    const brief = { username: user.username, password: user.password }
    for (let index = 0; index < 3; index += 1) await server.send('POST', '//api/login/', { body: brief })
    server.pass('2d')
    const ended = await givenSession(server, user)
    await server.send('POST', '/logout', { token: ended.access_token })
    const sessions = await times(4, () => givenSession(server, user))
    for (const session of [(await refresh(user)).body, ...sessions]) expect((await look(session)).status).toBe(200)
    expect(
      (await eventsOf(server, user)).filter(({ details }) => JSON.stringify(details).includes('displaced')),
    ).toEqual([])
  })

  it('ends the sessions of this user only', async () => {
    const [user, otherUser] = [await givenUser(server), await givenUser(server)]
    for (let index = 0; index < 6; index += 1) await givenSession(server, user)
    expect((await look(otherUser)).status).toBe(200)
  })
})

describe('ending all sessions of a user', () => {
  it.each(['a logout everywhere', 'a changed password', 'a reset password'])(
    'writes only the row of the session that goes on, however many there are: %s',
    async (how) => {
      const user = await givenUser(server)
      const other = await givenSession(server, user)
      await givenCopies(user, 500)
      const before = await versionsOf(user)
      expect(before).toHaveLength(1002)
      const ending = {
        'a logout everywhere': () => server.send('POST', '/logout_all', { token: user.access_token }),
        'a changed password': () =>
          server.send('POST', '/change_password', {
            token: user.access_token,
            body: { current_password: user.password, new_password: 'another good password' },
          }),
        'a reset password': async () =>
          server.send('POST', '/reset_password', {
            body: { token: await givenResetToken(server, user), new_password: 'another good password' },
          }),
      }[how]
      expect((await ending?.())?.status).toBe(200)
      const goesOn = how === 'a changed password'
      const unchanged = (await versionsOf(user)).filter((row) =>
        before.some((old) => JSON.stringify(old) === JSON.stringify(row)),
      )
      expect(unchanged).toHaveLength(goesOn ? 1001 : 1002)
      expect(await countSessions(server, user)).toBe(goesOn ? 1 : 0)
      expect((await look(user)).status).toBe(goesOn ? 200 : 401)
      expect(refusalOf(await look(other))).toBe('401 session_revoked')
      expect(refusalOf(await refresh(other))).toBe('401 session_revoked')
      expect((await server.send('POST', '/verify_token', { body: { token: other.access_token } })).body.active).toBe(
        false,
      )
      const event = (await eventsOf(server, user)).find(({ type }) => type === 'sessions_ended')
      expect(event?.details).toMatchObject({ count: goesOn ? 1001 : 1002 })
      const fresh = await givenSession(server, {
        ...user,
        ...(how !== 'a logout everywhere' && { password: 'another good password' }),
      })
      const { body } = await server.send('GET', '/sessions', { token: fresh.access_token })
      expect(body.sessions).toHaveLength(goesOn ? 2 : 1)
      expect(refusalOf(await server.send('DELETE', `/sessions/${idOf(other)}`, { token: fresh.access_token }))).toBe(
        '404 session_not_found',
      )
    },
  )

  it('leaves their rows to the clean-up, which deletes them 30 days later and no living one', async () => {
    const user = await givenUser(server)
    await givenCopies(user, 20)
    const long = { ...server.settings, SESSION_LIFETIME: '400d', REFRESH_TOKEN_LIFETIME: '366d' }
    const lasting = await startServer(long)
    await givenSession(lasting, user)
    const { access_token } = await givenSession(lasting, user)
    await lasting.send('POST', '/logout_all', { token: access_token })
    const living = await givenSession(lasting, user)
    const count = () => server.database.db.session.count({ where: { userId: user.id } })
    server.pass('29d')
    await server.services.cleanUp.run()
    expect(await count()).toBe(24)
    server.pass('2d')
    await server.services.cleanUp.run()
    expect(await count()).toBe(1)
    expect((await refresh(living)).status).toBe(200)
    await lasting.close()
  })
})

function idOf({ refresh_token }: { refresh_token: string }): string {
  const claims = JSON.parse(Buffer.from(refresh_token.split('.')[1] ?? '', 'base64url').toString())
  return claims.sid
}
