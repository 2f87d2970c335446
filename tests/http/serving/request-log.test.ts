import { refusalOf } from '../../support/answers.ts'
import { exchange } from '../../support/exchange.ts'
import { givenMailedToken, randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ LOG_LEVEL: 'debug' })
})
afterAll(() => server.close())

interface Line {
  readonly level: string
  readonly message: string
  readonly request_id?: string
  readonly event?: string
  readonly [name: string]: unknown
}

/** The lines logged during the work; a line is written after its answer, so a last request flushes it. */
async function loggedBy(work: () => Promise<unknown>): Promise<Line[]> {
  const before = server.logged.length
  await work()
  const { headers } = await server.send('GET', '//healthz')
  for (;;) {
    const lines = server.logged.slice(before).map((line): Line => JSON.parse(line))
    const last = lines.findIndex(({ request_id }) => request_id === headers['x-request-id'])
    if (last >= 0) return lines.filter((_line, index) => index !== last)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const requestsOf = (lines: readonly Line[]) => lines.filter(({ message }) => message === 'request')

describe('the log', () => {
  it('holds one line per request: which, from where, how it ended and how long it took', async () => {
    let id: unknown
    const lines = await loggedBy(async () => {
      const { headers } = await server.send('POST', '/verify_token', { body: { token: 'x' } })
      id = headers['x-request-id']
    })
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'request',
        request_id: id,
        method: 'POST',
        path: '/api/v1/auth/verify_token',
        contract: 'v1',
        endpoint: 'verifyToken',
        status: 200,
        ms: expect.any(Number),
        ip: '127.0.0.1',
      },
    ])
  })

  it('holds the code of a refusal and the id of an authenticated user', async () => {
    const credentials = randomUser()
    const { body } = await server.send('POST', '/register_credentials', { body: credentials })
    const [refused, read] = requestsOf(
      await loggedBy(async () => {
        await server.send('POST', '/login_credentials', { body: { username: credentials.username, password: 'wrong' } })
        await server.send('GET', '/profile', { token: body.access_token })
      }),
    )
    expect(refused).toMatchObject({ endpoint: 'logIn', status: 401, code: 'credentials_invalid' })
    expect(read).toMatchObject({ endpoint: 'readProfile', status: 200, user_id: body.user.id })
  })

  it('holds the route and not the values in the path', async () => {
    const [line] = await loggedBy(() => server.send('DELETE', '/sessions/something-private'))
    expect(line).toMatchObject({ path: '/api/v1/auth/sessions/{id}', endpoint: 'endSession', status: 401 })
    expect(JSON.stringify(line)).not.toContain('private')
  })

  it('holds the path where there is no route, shortened and without its query', async () => {
    const [line, long] = await loggedBy(async () => {
      await server.send('GET', '//nowhere?token=private&access_token=private')
      await server.send('GET', `//${'x/'.repeat(5000)}`)
    })
    expect(line).toMatchObject({ path: '/nowhere', status: 404, code: 'not_found' })
    expect(JSON.stringify(line)).not.toContain('private')
    expect(String(long?.path)).toHaveLength(200)
  })

  it('holds no password and no fragment of a target that no browser sends', async () => {
    const lines = await loggedBy(async () => {
      await exchange(server.url, 'http://ada:private@localhost/nowhere')
      await exchange(server.url, '/nowhere#token=private')
    })
    expect(lines.map(({ path }) => path)).toEqual(['http://localhost/nowhere', '/nowhere'])
  })

  // A link to a page of the frontend, with its token, can reach this server by mistake.
  it('holds nothing of a path that could be a token', async () => {
    const token = 'T0k-n_'.repeat(4).slice(0, 20)
    const lines = await loggedBy(async () => {
      await server.send('GET', `//openSession/${token}/now`)
      await server.send('GET', `//api/v1/auth/x/eyJh.${token}.x`)
      await exchange(server.url, `http://[/${token}`)
      await server.send('GET', `//openSession/${token.slice(1)}`)
    })
    expect(lines.map(({ path, status }) => [path, status])).toEqual([
      ['/openSession/…/now', 404],
      ['/api/v1/auth/x/…', 404],
      ['http://[/…', 400],
      [`/openSession/${token.slice(1)}`, 404],
    ])
    expect(JSON.stringify(lines)).not.toContain(token)
  })

  it('holds one line for a request with line breaks and JSON in it', async () => {
    const lines = await loggedBy(() =>
      server.send('GET', '//a%0a{"level":"error"}', { headers: { 'User-Agent': 'x"},{"level":"error' } }),
    )
    expect(lines.map(({ level }) => level)).toEqual(['info'])
  })

  it('holds one line per event, with the id of its request', async () => {
    const credentials = randomUser()
    let id: unknown
    const lines = await loggedBy(async () => {
      const { headers } = await server.send('POST', '/register_credentials', { body: credentials })
      id = headers['x-request-id']
    })
    const events = lines.filter(({ message }) => message === 'event')
    expect(events.map(({ event }) => event)).toEqual(['user_registered', 'login_succeeded'])
    for (const event of events) expect(event).toMatchObject({ level: 'info', request_id: id, ip: '127.0.0.1' })
    expect(requestsOf(lines).map(({ request_id }) => request_id)).toEqual([id])
  })

  it('holds the id of the trace that the request belongs to, in the lines of its events too', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const lines = await loggedBy(() =>
      server.send('POST', '/register_credentials', { body: randomUser(), headers: { traceparent } }),
    )
    expect(lines.map(({ message, trace_id }) => [message, trace_id])).toEqual([
      ['event', '4bf92f3577b34da6a3ce929d0e0e4736'],
      ['event', '4bf92f3577b34da6a3ce929d0e0e4736'],
      ['request', '4bf92f3577b34da6a3ce929d0e0e4736'],
    ])
  })

  it.each([
    'x',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
  ])('holds nothing of a traceparent that is none: %s', async (traceparent) => {
    const [line] = await loggedBy(() => server.send('GET', '/session', { headers: { traceparent } }))
    expect(line).not.toHaveProperty('trace_id')
  })

  it('holds no line for an event that was rolled back', async () => {
    const { body } = await server.send('POST', '/register_credentials', { body: randomUser() })
    const taken = await server.send('POST', '/register_credentials', { body: randomUser() })
    const lines = await loggedBy(() =>
      server.send('PATCH', '/profile', { token: body.access_token, body: { username: taken.body.user.username } }),
    )
    expect(lines).toMatchObject([{ message: 'request', status: 400, code: 'username_taken' }])
  })

  it("holds no password, token, header, query or body of a user's whole life", async () => {
    const secrets = new Set<string>()
    const secret = (text: string) => {
      secrets.add(text)
      return text
    }
    const wrong = secret('CANARY wrong password')
    const [first, second, third] = [1, 2, 3].map((number) => secret(`CANARY password ${number}`)) as [
      string,
      string,
      string,
    ]
    const credentials = { ...randomUser(), password: first }
    const { username, email } = credentials
    const keep = ({ body }: { body: { access_token?: string; refresh_token?: string } }) => {
      if (body.access_token) secret(body.access_token)
      if (body.refresh_token) secret(body.refresh_token)
      return { access: body.access_token ?? '', refresh: body.refresh_token ?? '' }
    }
    const headers = {
      Authorization: `Bearer ${secret('CANARY.bearer.token')}`,
      Cookie: `refresh=${secret('CANARY-cookie')}`,
      'X-Api-Key': secret('CANARY-header'),
    }
    const query = `?password=${secret('CANARY-query')}`

    const lines = await loggedBy(async () => {
      let tokens = keep(await server.send('POST', '/register_credentials', { body: credentials }))
      const verification = secret(await givenMailedToken(server, email, /verify/i))
      await server.send('POST', `/verify_email${query}`, { body: { token: verification } })
      expect((await server.send('POST', '/verify_email', { body: { token: verification } })).status).toBe(200)
      await server.send('POST', '/login_credentials', { body: { username, password: wrong } })
      await server.send('POST', '/login_credentials', { body: { username: wrong, password: first } })
      tokens = keep(await server.send('POST', '/login_credentials', { body: { username: email, password: first } }))
      await server.send('GET', `/session${query}`, { token: tokens.access })
      const spent = tokens.refresh
      for (let round = 0; round < 2; round += 1) {
        tokens = keep(await server.send('POST', '/access_token', { body: { refresh_token: tokens.refresh } }))
      }
      expect(refusalOf(await server.send('POST', '/access_token', { body: { refresh_token: spent } }))).toBe(
        '401 refresh_token_reused',
      )
      tokens = keep(await server.send('POST', '/refresh_token', { body: { username, password: first } }))
      await server.send('POST', '/verify_token', { body: { token: tokens.refresh } })
      await server.send('POST', '/verify_token', { body: { token: wrong } })
      await server.send('POST', '/change_password', {
        token: tokens.access,
        body: { current_password: wrong, new_password: second },
      })
      tokens = keep(
        await server.send('POST', '/change_password', {
          token: tokens.access,
          body: { current_password: first, new_password: second },
        }),
      )
      await server.send('POST', '/forgot_password', { body: { email } })
      const reset = secret(await givenMailedToken(server, email, /reset/i))
      await server.send('POST', '/reset_password', { body: { token: reset, new_password: 'password' } })
      await server.send('POST', '/reset_password', { body: { token: reset, new_password: third } })
      await server.send('POST', '/logout', { body: { refresh_token: tokens.refresh } })
      await server.send('GET', '/session', { headers })
      await server.send('GET', `/nowhere${query}`, { headers })
      await server
        .raw('POST', '/login_credentials')
        .type('json')
        .send(`{"password":"${secret('CANARY-broken')}`)
      await server.send('POST', '/login_credentials', { body: { [secret('CANARY-field')]: secret('CANARY-value') } })
      await server.database.db.$executeRaw`ALTER TABLE passwords RENAME TO hidden`
      expect(refusalOf(await server.send('POST', '/login_credentials', { body: { username, password: third } }))).toBe(
        '500 internal_error',
      )
      await server.database.db.$executeRaw`ALTER TABLE hidden RENAME TO passwords`
    })

    expect(secrets.size).toBeGreaterThan(20)
    expect(lines.length).toBeGreaterThan(30)
    const log = lines.map((line) => JSON.stringify(line)).join('\n')
    for (const text of secrets) expect(log).not.toContain(text)
    expect(log).not.toContain('CANARY')
    expect(log).not.toMatch(/Bearer|eyJ|[\w-]{43}/)
  })

  it('nor does the database hold a token or a password in the clear', async () => {
    const credentials = { ...randomUser(), password: 'CANARY password' }
    const { body } = await server.send('POST', '/register_credentials', { body: credentials })
    await server.send('POST', '/forgot_password', { body: { email: credentials.email } })
    const mailed = await givenMailedToken(server, credentials.email, /reset/i)
    const tables = await server.database.db.$queryRaw<{ name: string }[]>`
      SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
    for (const { name } of tables) {
      const rows = await server.database.db.$queryRawUnsafe<{ row: string }[]>(`SELECT t::text AS row FROM "${name}" t`)
      const text = rows.map(({ row }) => row).join('\n')
      for (const secret of [credentials.password, mailed, body.access_token, body.refresh_token])
        expect(text).not.toContain(secret)
      expect(text).not.toContain(Buffer.from(mailed).toString('hex'))
    }
  })
})
