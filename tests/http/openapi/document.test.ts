import { createConfig, lintFromString } from '@redocly/openapi-core'
import { createDocuments } from '../../../src/contracts/documents.ts'
import { contracts } from '../../../src/contracts/index.ts'
import { readConfig } from '../../../src/settings/config.ts'
import { documents, holdAgainstDocument, mismatch } from '../../support/documents.ts'
import { exchange } from '../../support/exchange.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const read = (path: string, method = 'GET', to = server) => exchange(to.url, path, { method })

interface Media {
  readonly schema: object
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { $ref?: string; value?: unknown }>>
}

interface Operation {
  readonly operationId: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly example: unknown }[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>
}

describe.each(contracts.map((contract) => ({ ...contract })))(
  'the document of $name',
  ({ name, prefix, rows, differences }) => {
    const document = JSON.parse(JSON.stringify(documents.get(name)))
    const operationOf = (method: string, path: string): Operation =>
      document.paths[path.replace(/\/$/, '')]?.[method.toLowerCase()]

    it('is served beside the contract, to be read and nothing else', async () => {
      const { status, headers, body } = await read(`${prefix}/openapi.json`)
      expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
      expect(body).toEqual(document)
      expect((await read(`${prefix}/openapi.json`, 'HEAD')).status).toBe(200)
      expect((await read(`${prefix}/openapi.json`, 'POST')).status).toBe(405)
    })

    it('passes the recommended rules of Redocly', async () => {
      const config = await createConfig({ extends: ['recommended'] })
      // The settings of a deployment: one of the rules is that no document names localhost.
      const settings = {
        PUBLIC_URL: 'https://auth.example.test',
        EMAIL_HOST: 'localhost',
        DEFAULT_FROM_EMAIL: 'a@b.test',
      }
      const source = JSON.stringify(createDocuments(readConfig(settings))(name))
      const problems = await lintFromString({ source, absoluteRef: `${name}.json`, config })
      expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([])
    })

    it('has each operation of the contract once, under a name of its own', () => {
      const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((item) => Object.values(item))
      expect(operations).toHaveLength(rows.length)
      expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(rows.length)
      for (const { method, path, endpoint } of rows) {
        expect(operationOf(method, path).operationId.startsWith(endpoint.name)).toBe(true)
      }
    })

    it('groups the operations by subject, and says of each what it does and who may call', () => {
      for (const { method, path, endpoint } of rows) {
        const { description = '', tags } = operationOf(method, path)
        expect(description.length).toBeGreaterThan(60)
        expect(description).toMatch(/(It needs no token|It needs an? .*token)\./)
        expect(tags).toEqual([endpoint.topic.name])
      }
      const described = document.tags.map(({ name }: { name: string }) => name)
      expect(new Set(described)).toEqual(new Set(rows.flatMap(({ method, path }) => operationOf(method, path).tags)))
    })

    it('says where the contract departs from what it replaces', () => {
      for (const difference of differences) expect(document.info.description).toContain(difference)
    })

    it.each(rows.map((row) => ({ route: `${row.method} ${row.path}`, row })))(
      'gives examples for $route that work',
      ({ row }) => {
        const { requestBody, parameters = [], responses } = operationOf(row.method, row.path)
        const body = requestBody?.content['application/json']
        const sent = Object.fromEntries(
          parameters.flatMap((one) => (one.in === 'header' ? [] : [[one.name, String(one.example)]])),
        )
        // The endpoint's own rules take the request.
        expect(() => row.read({ ...(body?.example as object), ...sent })).not.toThrow()
        if (body) expect(mismatch(name, body.schema, body.example)).toBeUndefined()
        for (const { content = {} } of Object.values(responses)) {
          for (const { schema, example, examples = {} } of Object.values(content)) {
            const values = Object.values(examples).map(
              ({ $ref, value }) => value ?? document.components.examples[$ref?.split('/').at(-1) ?? '']?.value,
            )
            for (const value of example === undefined ? values : [example]) {
              expect(mismatch(name, schema, value)).toBeUndefined()
            }
          }
        }
      },
    )
  },
)

describe('the documents', () => {
  it('begin with our own API', async () => {
    expect((await read('/openapi.json')).body).toEqual((await read('/api/v1/auth/openapi.json')).body)
  })

  it('exist for the contracts that are served, and announce the end of a contract', async () => {
    await withServer({ CONTRACTS: 'v1,drf', CONTRACT_SUNSET: 'drf=2027-12-31' }, async (narrow) => {
      expect((await read('/api/auth/openapi.json', 'GET', narrow)).status).toBe(404)
      const { body } = await read('/api/v1/drf/auth/openapi.json', 'GET', narrow)
      expect(body.info.description).toContain('2027-12-31')
      expect(body.paths['/login'].post.deprecated).toBe(true)
    })
  })
})

describe('the documents describe this deployment', () => {
  const readOwn = async (settings: Record<string, string>, path = '/api/v1/auth') => {
    const other = await startServer(settings)
    try {
      return (await read(`${path}/openapi.json`, 'GET', other)).body
    } finally {
      await other.close()
    }
  }

  it('its address, also below a prefix, and its contact', async () => {
    const document = await readOwn({ PUBLIC_URL: 'https://example.com/auth' }, '/api/v1/drf/auth')
    expect(document.servers).toEqual([{ url: 'https://example.com/auth/api/v1/drf/auth' }])
    expect(document.info.contact).toMatchObject({ url: 'https://example.com/auth' })
    expect(document.info.license).toEqual({ name: 'MIT', identifier: 'MIT' })
  })

  const securityOf = (document: { paths: Record<string, Record<string, Operation>> }, path: string) =>
    document.paths[path]?.post?.security
  const transportOf = (document: { paths: Record<string, Record<string, Operation>> }, path: string) =>
    document.paths[path]?.post?.parameters?.find(({ name }) => name === 'Auth-Transport')

  it.each([
    ['refresh', {}],
    ['__Host-refresh', { PUBLIC_URL: 'https://auth.example.com' }],
    ['__Host-refresh', { PUBLIC_URL: 'https://auth.example.com', REFRESH_TRANSPORT: 'cookie' }],
  ])('the name of the cookie: %s %j', async (name, settings) => {
    const document = await readOwn(settings)
    expect(document.components.securitySchemes.refreshCookie).toMatchObject({ in: 'cookie', name })
  })

  it('how refresh tokens may travel, at each operation where the header counts, with the usual way first', async () => {
    const asYouLike = await readOwn({})
    for (const path of ['/login_credentials', '/access_token', '/logout', '/tokens', '/change_password'])
      expect(transportOf(asYouLike, path)).toMatchObject({ required: false, schema: { enum: ['body', 'cookie'] } })
    for (const path of ['/verify_email', '/forgot_password', '/verify_token'])
      expect(transportOf(asYouLike, path)).toBeUndefined()
    expect(securityOf(asYouLike, '/logout')).toEqual([{ accessToken: [] }, { refreshCookie: [] }, {}])
    expect(securityOf(asYouLike, '/access_token')).toEqual([{}, { refreshCookie: [] }])

    const inCookies = await readOwn({ REFRESH_TRANSPORT: 'cookie' })
    expect(transportOf(inCookies, '/access_token')).toMatchObject({ required: true, schema: { enum: ['cookie'] } })
    expect(securityOf(inCookies, '/access_token')).toEqual([{ refreshCookie: [] }])
    expect(transportOf(inCookies, '/login_credentials')).toBeUndefined()

    const inBodies = await readOwn({ REFRESH_TRANSPORT: 'body' })
    expect(transportOf(inBodies, '/access_token')).toBeUndefined()
    expect(securityOf(inBodies, '/access_token')).toEqual([{}])
    expect(inBodies.components.securitySchemes.refreshCookie).toBeUndefined()
  })
})

it('the documents announce that an expectation is refused', async () => {
  const headers = { Expect: 'a miracle', 'Content-Type': 'application/json' }
  const refused = await exchange(server.url, '/api/v1/auth/verify_token', { method: 'POST', headers, body: '{}' })
  expect(refused.status).toBe(417)
})

describe('an answer that the document does not know', () => {
  const answer = (status: number, body: unknown) => () =>
    holdAgainstDocument('GET', '/api/v1/auth/sessions', {
      status,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body,
      text: JSON.stringify(body),
    })

  it('fails the test that receives it', () => {
    const page = { sessions: [], total: 0, next_cursor: null }
    expect(answer(200, page)).not.toThrow()
    expect(answer(200, { ...page, secret: 'x' })).toThrow(/must NOT have additional properties/)
    expect(answer(200, {})).toThrow(/must have required property/)
    expect(answer(418, {})).toThrow(/does not announce/)
    expect(answer(401, {})).toThrow(/problem\+json/)
  })
})
