import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { z } from 'zod'
import { contracts } from '../../../src/contracts/index.ts'
import { ownRows } from '../../../src/http/contracts/contract.ts'
import { endpoint } from '../../../src/http/contracts/endpoint.ts'
import { problemDetails } from '../../../src/http/contracts/error-format.ts'
import { createBrowserRules } from '../../../src/http/serving/browser-rules.ts'
import { createDeclarationCheck } from '../../../src/http/serving/declared-errors.ts'
import { sendError } from '../../../src/http/serving/errors.ts'
import { createContractRouter } from '../../../src/http/serving/router.ts'
import { AuthError, defineErrors, requestErrors } from '../../../src/kernel/errors.ts'
import { refusalOf } from '../../support/answers.ts'
import { endpoints } from '../../support/endpoints.ts'
import type { Exchanged } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const ask = (method: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
  exchange(server.url, path, { method, headers })

const paths = [...new Set(endpoints.map(({ path }) => path))].map((path) => {
  const methods = endpoints.filter((other) => other.path === path).map(({ method }) => method)
  // The session is rotated: a client that gets only the header fields would lose the pair.
  const hasHead = path !== '/api/v1/auth/tokens'
  const allow = methods.flatMap((method) => (method === 'GET' && hasHead ? ['GET', 'HEAD'] : [method]))
  return { path, methods, allow }
})
const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'PURGE', 'TRACE']

describe.each(paths)('$path', ({ path, methods, allow }) => {
  it('refuses every other method and names those it answers', async () => {
    for (const method of everyMethod.filter((name) => !allow.includes(name))) {
      const answer = await ask(method, path)
      expect([method, answer.status, answer.headers.allow]).toEqual([method, 405, allow.join(', ')])
      if (method !== 'HEAD') expect(refusalOf(answer)).toBe('405 method_not_allowed')
    }
  })

  it('says to OPTIONS which methods it answers', async () => {
    const { status, headers, text } = await ask('OPTIONS', path)
    expect([status, headers.allow, text]).toEqual([204, allow.join(', '), ''])
  })

  it('is found under its exact name only', async () => {
    const [method = ''] = methods
    const names = [
      `${path}/`,
      path.toUpperCase(),
      path.replace('/api', '/API'),
      path.replace(/\w+$/, (word) => word.replace(/^./, (mail) => mail.toUpperCase())),
      `/${path}`,
      `${path}.json`,
      `${path}%20`,
      `${path}%2F`,
      `${path};a=b`,
    ]
    for (const name of names.filter((other) => other !== path && !/\/sessions\/[^/]+$/.test(other))) {
      const answer = await ask(method, name)
      expect([name, answer.status]).toEqual([name, 404])
      expect(refusalOf(answer)).toBe('404 not_found')
    }
  })
})

describe('a HEAD request', () => {
  it.each(paths.filter(({ allow }) => allow.includes('HEAD')))(
    'to $path answers as GET does, without the body',
    async ({ path }) => {
      const { access_token } = await givenUser(server)
      const headers = { Authorization: `Bearer ${access_token}` }
      const get = await ask('GET', path, headers)
      const head = await ask('HEAD', path, headers)
      expect([head.status, head.text]).toEqual([200, ''])
      expect(Object.keys(head.headers)).toEqual(Object.keys(get.headers))
      expect(head.headers['content-length']).toBe(get.headers['content-length'])
      expect((await ask('HEAD', path)).status).toBe(401)
    },
  )

  it('changes nothing', async () => {
    const user = await givenUser(server)
    const session = () => server.database.db.session.findFirstOrThrow({ where: { userId: user.id } })
    const before = await session()
    for (const { path } of paths) await ask('HEAD', path, { Authorization: `Bearer ${user.access_token}` })
    expect(await session()).toEqual(before)
  })
})

describe('a path where nothing is', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('is a problem for %s', async (method) => {
    for (const path of [
      '/nowhere',
      '/api/v1/auth',
      '/api/v1/auth/',
      '/api/v1/auth/nowhere',
      '/api/v1/auth/session/x',
    ]) {
      expect(refusalOf(await ask(method, path))).toBe('404 not_found')
    }
  })

  it('is a problem however its name is written', async () => {
    const names = [
      '/%',
      '/%zz',
      '/%FF',
      '/%00',
      '/api/v1/auth/%',
      '/api/v1/auth/%E0%A4%A',
      '/api/v1/auth/..%2fsession',
      '/.env',
      '/__proto__',
      '/<script>',
      '//evil.example/',
    ]
    for (const name of [...names, `/${'x'.repeat(8000)}`])
      expect(refusalOf(await ask('GET', name))).toBe('404 not_found')
  })

  it('does not repeat the name in its answer', async () => {
    expect((await ask('GET', '/needle-in-the-path?needle=1')).text).not.toContain('needle')
  })
})

describe('a request id', () => {
  it('is the same in the header, in the problem and in the log line, and another one each time', async () => {
    const first = await ask('GET', '/api/v1/auth/session')
    const second = await ask('GET', '/api/v1/auth/session')
    const ids = [first, second].map(({ headers }) => String(headers['x-request-id']))
    expect(ids[0]).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    expect(ids[0]).not.toBe(ids[1])
    expect([first, second].map(({ body }) => body.request_id)).toEqual(ids)
    const lines = server.logged.map((line) => JSON.parse(line))
    for (const id of ids) expect(lines.filter(({ request_id }) => request_id === id)).toHaveLength(1)
  })

  it('is never taken from the client', async () => {
    const { headers } = await ask('GET', '/healthz', { 'X-Request-Id': 'mine' })
    expect(headers['x-request-id']).not.toBe('mine')
  })
})

describe('a bearer token', () => {
  it.each(['Bearer', 'bearer', 'BEARER'])('is read after the word %s', async (word) => {
    const { access_token } = await givenUser(server)
    const { status } = await ask('GET', '/api/v1/auth/session', { Authorization: `${word} ${access_token}` })
    expect(status).toBe(200)
  })

  it('is ignored in the address', async () => {
    const { access_token } = await givenUser(server)
    for (const name of ['access_token', 'token', 'bearer', 'authorization', 'jwt']) {
      const answer = await ask('GET', `/api/v1/auth/session?${name}=${access_token}`)
      expect(refusalOf(answer)).toBe('401 unauthenticated')
    }
  })

  it('is ignored in a cookie, in another header, or in the body', async () => {
    const { access_token } = await givenUser(server)
    const path = '/api/v1/auth/session'
    for (const name of ['Cookie', 'X-Access-Token', 'Proxy-Authorization', 'X-Authorization']) {
      expect(refusalOf(await ask('GET', path, { [name]: `access_token=${access_token}` }))).toBe('401 unauthenticated')
      expect(refusalOf(await ask('GET', path, { [name]: `Bearer ${access_token}` }))).toBe('401 unauthenticated')
    }
    const body = JSON.stringify({ access_token })
    const headers = { 'Content-Type': 'application/json' }
    const answer = await exchange(server.url, '/api/v1/auth/logout_all', { method: 'POST', headers, body })
    expect(refusalOf(answer)).toBe('401 unauthenticated')
  })

  it('is accepted only alone and after the word Bearer', async () => {
    const { access_token } = await givenUser(server)
    const odd = [
      '',
      'Bearer',
      'Bearer ',
      access_token,
      `Basic ${access_token}`,
      `Token ${access_token}`,
      `Bearer ${access_token} x`,
      `Bearer "${access_token}"`,
      `Bearer ${access_token}, Bearer ${access_token}`,
      `Bearer: ${access_token}`,
      `Bearer\u00e9 ${access_token}`,
    ]
    for (const value of odd) {
      expect(refusalOf(await ask('GET', '/api/v1/auth/session', { Authorization: value }))).toBe('401 unauthenticated')
    }
  })
})

describe('an endpoint that fails', () => {
  const errors = defineErrors({ declared: [404, 'This was declared'], undeclared: [403, 'This was not'] })
  const secret = 'password=hunter2'
  const faults: Readonly<Record<string, () => Promise<never>>> = {
    declared: () => Promise.reject(new AuthError(errors.declared)),
    undeclared: () => Promise.reject(new AuthError(errors.undeclared)),
    fault: () => Promise.reject(new Error(`failed near ${secret}`)),
    text: () => Promise.reject(secret),
    nothing: () => Promise.reject(undefined),
    thrown: () => {
      throw new TypeError(`failed near ${secret}`)
    },
    // A library may throw this: Express would answer with its status and message.
    library: () =>
      Promise.reject(Object.assign(new Error(secret), { status: 418, expose: true, headers: { 'X-Leak': secret } })),
  }
  const usual = {
    description: 'A test',
    topic: { name: 'Tests', description: 'Of the router' },
    access: 'public',
    limit: 'read',
    input: z.strictObject({}),
    status: 200,
  } as const
  const rows = ownRows([
    ...Object.entries(faults).map(([name, handle]) =>
      endpoint({
        ...usual,
        name,
        route: `GET /${name}`,
        summary: name,
        output: z.object({}),
        errors: [errors.declared],
        handle,
      }),
    ),
    endpoint({
      ...usual,
      name: 'wrongReply',
      route: 'GET /wrongReply',
      summary: 'Answers what its own schema refuses',
      output: z.object({ id: z.int() }),
      errors: [],
      handle: async () => JSON.parse(JSON.stringify({ id: secret })),
    }),
    endpoint({
      ...usual,
      name: 'nestedToken',
      route: 'GET /nestedToken',
      summary: 'Answers with a refresh token within an object',
      output: z.object({ user: z.string(), tokens: z.object({ refresh: z.string(), access: z.string() }) }),
      errors: [],
      handle: async () => ({ user: 'ada', tokens: { refresh: secret, access: 'another' } }),
      cookies: { refresh: ({ tokens }) => ({ value: tokens.refresh, lifetime: 60 }) },
    }),
    endpoint({
      ...usual,
      name: 'tooMuch',
      route: 'GET /tooMuch',
      summary: 'Answers more than its schema names',
      output: z.object({ user: z.object({ id: z.int() }) }),
      errors: [],
      handle: async () => ({ user: { id: 1, passwordHash: secret }, secret }),
    }),
  ])

  /** The router alone, around a table of its own. */
  async function withRouter(
    strict: boolean,
    use: (get: (path: string) => Promise<Exchanged>, faultIds: string[]) => Promise<void>,
    errorFormat = problemDetails,
  ) {
    const faultIds: string[] = []
    const translateFault = (_fault: unknown, { requestId }: { requestId: string }) => {
      faultIds.push(requestId)
      return new AuthError(requestErrors.internal_error)
    }
    const app = express()
    app.use((_request, response, next) => {
      response.locals.requestId = 'the-id'
      response.set({ 'X-Request-Id': 'the-id', 'Cache-Control': 'no-store' })
      next()
    })
    app.use(
      '/t',
      createContractRouter(
        {
          name: 'v1',
          title: 'A table',
          prefix: '/t',
          trailingSlash: false,
          takesForms: false,
          errorFormat,
          policy: {},
          differences: [],
          rows,
        },
        {
          services: {},
          document: () => ({}),
          policy: {
            contract: 'v1',
            verificationRequired: false,
            linkCompletesRegistration: false,
            lifetimes: { accessLifetime: 1, refreshLifetime: 1, sessionLifetime: 1 },
            links: { verifyEmail: String, resetPassword: String },
          },
          sessions: {
            authenticate: () => Promise.reject(new Error('no endpoint demands it')),
            authenticateToRead: () => Promise.reject(new Error('no endpoint demands it')),
            requireRecent: () => Promise.reject(new Error('no endpoint demands it')),
          },
          limiterOf: () => (_request, _response, next) => next(),
          browsers: createBrowserRules({
            cookies: { secure: true, sameSite: 'strict', partitioned: false },
            refreshTransport: 'cookie',
            corsOrigins: [],
            clearSiteData: [],
          }),
          faults: { translate: translateFault, checkDeclared: strict ? createDeclarationCheck([]) : undefined },
        },
      ),
    )
    app.use((error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      sendError(error, response, problemDetails, translateFault)
    })
    const http = createServer(app).listen(0, '127.0.0.1')
    await once(http, 'listening')
    const { port } = http.address() as AddressInfo
    try {
      await use((path) => exchange(`http://127.0.0.1:${port}`, `/t/${path}`), faultIds)
    } finally {
      http.closeAllConnections()
      http.close()
    }
  }

  it('with an error that it declared answers with that', () =>
    withRouter(true, async (get, faultIds) => {
      expect(refusalOf(await get('declared'))).toBe('404 declared')
      expect(faultIds).toEqual([])
    }))

  it('with a refresh token within an object puts it into the cookie alone', () =>
    withRouter(true, async (get) => {
      const { status, headers, text } = await get('nestedToken')
      expect([status, JSON.parse(text)]).toEqual([200, { user: 'ada', tokens: { access: 'another' } }])
      expect(headers['set-cookie']?.[0]).toContain(encodeURIComponent(secret))
    }))

  it('with an error that it did not declare is a fault, so that a test finds it', () =>
    withRouter(true, async (get, faultIds) => {
      expect(refusalOf(await get('undeclared'))).toBe('500 internal_error')
      expect(faultIds).toEqual(['the-id'])
    }))

  it('with an error that it did not declare answers with that in production, where users should not meet a fault', () =>
    withRouter(false, async (get, faultIds) => {
      expect(refusalOf(await get('undeclared'))).toBe('403 undeclared')
      expect(faultIds).toEqual([])
    }))

  it.each(['fault', 'text', 'nothing', 'thrown', 'library', 'wrongReply'])(
    'by a fault (%s) tells nothing of it',
    (path) =>
      withRouter(true, async (get, faultIds) => {
        const answer = await get(path)
        expect(refusalOf(answer)).toBe('500 internal_error')
        expect(JSON.stringify([answer.text, answer.headers])).not.toContain('hunter2')
        expect(faultIds).toEqual(['the-id'])
      }),
  )

  it('is answered by a fault when its contract cannot write the error, and the process goes on', () => {
    const present = () => {
      throw new Error(`no words for ${secret}`)
    }
    return withRouter(
      true,
      async (get, faultIds) => {
        expect(refusalOf(await get('declared'))).toBe('500 internal_error')
        expect(faultIds).toEqual(['the-id'])
      },
      { ...problemDetails, present },
    )
  })

  it('sends no field that its schema does not name', () =>
    withRouter(true, async (get) => {
      expect((await get('tooMuch')).body).toEqual({ user: { id: 1 } })
    }))
})

describe('a fault of ours', () => {
  it('is answered without any detail and logged once, with the request id and the stack', async () => {
    await withServer({}, async (broken) => {
      const user = await givenUser(broken)
      await broken.database.db.$executeRaw`ALTER TABLE users RENAME COLUMN timezone TO time_zone`
      const answer = await broken.send('GET', '/session', { token: user.access_token })
      expect(refusalOf(answer)).toBe('500 internal_error')
      const lines = broken.logged.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatchObject({
        request_id: answer.headers['x-request-id'],
        error: expect.stringMatching(/\n +at /),
      })
      await broken.database.db.$executeRaw`ALTER TABLE users RENAME COLUMN time_zone TO timezone`
      expect((await broken.send('GET', '/session', { token: user.access_token })).status).toBe(200)
    })
  })
})

describe('GET /problems', () => {
  it('explains every code that any endpoint may answer with', async () => {
    const { status, headers, text } = await ask('GET', '/problems')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    const definitions = contracts.flatMap(({ rows }) => rows.flatMap(({ endpoint: { errors } }) => errors))
    const codes = [...definitions, ...Object.values(requestErrors)].map(({ code }) => code)
    for (const code of codes) expect(text).toContain(`<tr id="${code}">`)
    expect(text.match(/<tr id=/g)).toHaveLength(new Set(codes).size)
  })

  it('answers nothing but GET and HEAD', async () => {
    const answer = await ask('POST', '/problems')
    expect(answer.headers.allow).toBe('GET, HEAD')
    expect(refusalOf(answer)).toBe('405 method_not_allowed')
  })
})
