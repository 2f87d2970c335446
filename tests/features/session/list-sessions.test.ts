import { refusalOf, secondsBetween } from '../../support/answers.ts'
import { givenSession, givenUser, logIn } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const list = (token?: string, query = '') => server.send('GET', `/sessions${query}`, { token })
const idsIn = ({ sessions }: { sessions: { id: string }[] }) => sessions.map(({ id }) => id)

/** So many further sessions of the user, all opened in one millisecond. */
async function givenMany({ id }: { id: number }, count: number): Promise<void> {
  await server.database.db.$executeRaw`
    INSERT INTO sessions (id, user_id, access_lifetime, refresh_lifetime, created_at, rotated_at, last_used_at, expires_at, ends_at, ip, user_agent, last_ip, last_user_agent)
    SELECT gen_random_uuid(), user_id, access_lifetime, refresh_lifetime, created_at - interval '1 minute', rotated_at, last_used_at, expires_at, ends_at, ip, user_agent, last_ip, last_user_agent
    FROM (SELECT * FROM sessions WHERE user_id = ${id} ORDER BY created_at LIMIT 1) AS first CROSS JOIN generate_series(1, ${count}::integer)`
}

/** The pages from this one on. */
async function pagesFrom(token: string, limit: number, cursor = '') {
  const pages = []
  for (let next: string | null = cursor; next !== null; next = pages.at(-1).next_cursor) {
    const { status, body } = await list(token, `?limit=${limit}&cursor=${next}`)
    expect(status).toBe(200)
    pages.push(body)
  }
  return pages
}
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

  it('shows of each session the fields of GET /session, and nothing else', async () => {
    const user = await givenUser(server)
    const own = await server.send('GET', '/session', { token: user.access_token })
    const { body } = await list(user.access_token)
    expect(body).toEqual({ sessions: [own.body.session], total: 1, next_cursor: null })
    expect(Object.keys(body.sessions[0]).sort()).toEqual([
      'created_at',
      'current',
      'ends_at',
      'expires_at',
      'id',
      'ip',
      'last_ip',
      'last_used_at',
      'last_user_agent',
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

  // Sessions beyond a hundred were left out silently.
  it('gives a hundred, the number of all, and the others page by page, each of them once', async () => {
    const user = await givenUser(server)
    await givenMany(user, 250)
    const first = (await list(user.access_token)).body
    expect([first.sessions.length, first.total]).toEqual([100, 251])
    const rest = await pagesFrom(user.access_token, 100, first.next_cursor)
    expect(rest.map(({ sessions }) => sessions.length)).toEqual([100, 51])
    const sessions = [first, ...rest].flatMap((page) => page.sessions)
    expect(new Set(idsIn({ sessions })).size).toBe(251)
    const created = sessions.map(({ created_at }: { created_at: string }) => created_at)
    expect(created).toEqual(created.toSorted().toReversed())
    expect(sessions.filter(({ current }) => current).map(({ id }) => id)).toEqual([await idOf(user.access_token)])
    for (const limit of [1, 7, 99]) {
      const pages = await pagesFrom(user.access_token, limit)
      expect(pages.flatMap(idsIn)).toEqual(idsIn({ sessions }))
      expect(new Set(pages.map(({ total }) => total))).toEqual(new Set([251]))
    }
  })

  it('counts no further than 10,000', async () => {
    const user = await givenUser(server)
    await givenMany(user, 10_005)
    expect((await list(user.access_token, '?limit=1')).body.total).toBe(10_000)
  })

  it('moves no session to another page when others are opened or ended meanwhile', async () => {
    const user = await givenUser(server)
    const opened = []
    for (let logins = 0; logins < 8; logins += 1) opened.push(await givenSession(server, user))
    const first = (await list(user.access_token, '?limit=3')).body
    const all = (await list(user.access_token)).body
    const end = (id: string) => server.send('DELETE', `/sessions/${id}`, { token: user.access_token })
    // The session that the cursor names, and the next one.
    await end(first.next_cursor)
    await end(idsIn(all)[4] ?? '')
    await givenSession(server, user)
    const rest = (await list(user.access_token, `?cursor=${first.next_cursor}`)).body
    expect(idsIn(rest)).toEqual(idsIn(all).filter((_id, index) => index > 2 && index !== 4))
    expect([rest.total, rest.next_cursor]).toEqual([8, null])
  })

  it('keeps the place of its cursor when all sessions were ended and one was opened since', async () => {
    const user = await givenUser(server)
    await givenSession(server, user)
    const { next_cursor } = (await list(user.access_token, '?limit=1')).body
    await server.send('POST', '/logout_all', { token: user.access_token })
    const { body } = await logIn(server, user.username, user.password)
    const after = (await list(body.access_token, `?cursor=${next_cursor}`)).body
    expect(after).toEqual({ sessions: [], total: 1, next_cursor: null })
  })

  it('takes no cursor but its own', async () => {
    const [user, other] = [await givenUser(server), await givenUser(server)]
    await givenSession(server, other)
    const { next_cursor } = (await list(other.access_token, '?limit=1')).body
    expect((await list(other.access_token, `?cursor=${next_cursor}`)).status).toBe(200)
    for (const cursor of [next_cursor, '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c', 'x', "'--", '%F0%9F%92%A9']) {
      expect(refusalOf(await list(user.access_token, `?cursor=${cursor}`))).toBe(
        '400 cursor_invalid #/cursor cursor_invalid',
      )
    }
  })

  it.each([
    ['?limit=0', '#/limit invalid_format'],
    ['?limit=101', '#/limit invalid_format'],
    ['?limit=-1', '#/limit invalid_format'],
    ['?limit=1.5', '#/limit invalid_format'],
    ['?limit=1e1', '#/limit invalid_format'],
    ['?limit=+5', '#/limit invalid_format'],
    ['?limit=', '#/limit invalid_format'],
    ['?limit=all', '#/limit invalid_format'],
    ['?limit=99999999999999999999', '#/limit invalid_format'],
    ['?limit=%00', '#/limit invalid_format'],
    ['?limit=5&limit=6', '#/limit invalid_type'],
    ['?cursor=a&cursor=b', '#/cursor invalid_type'],
    ['?cursor=%00', '#/cursor control_character'],
    [`?cursor=${'x'.repeat(65)}`, '#/cursor too_big'],
    ['?limit=0&cursor=%00', '#/cursor control_character #/limit invalid_format'],
  ])('refuses %s', async (query, issues) => {
    const user = await givenUser(server)
    expect(refusalOf(await list(user.access_token, query))).toBe(`400 invalid_request ${issues}`)
  })

  it('ignores other parameters of the query', async () => {
    const user = await givenUser(server)
    const { status, body } = await list(user.access_token, '?_=1700000000&cursor=&limit=1&user_id=1&epoch=7')
    expect([status, body.sessions.length, body.total]).toEqual([200, 1, 1])
  })

  it('shows the sessions of this user only', async () => {
    const [user] = [await givenUser(server), await givenUser(server)]
    expect((await list(user.access_token)).body.sessions).toHaveLength(1)
  })

  it('demands a valid access token', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await list())).toBe('401 unauthenticated')
    expect(refusalOf(await list(user.refresh_token))).toBe('401 token_invalid')
    await server.send('POST', '/logout', { token: user.access_token })
    expect(refusalOf(await list(user.access_token))).toBe('401 session_revoked')
  })
})
