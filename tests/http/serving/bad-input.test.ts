import { gzipSync } from 'node:zlib'
import { needsAccessToken } from '../../../src/http/contracts/endpoint.ts'
import { refusalOf } from '../../support/answers.ts'
import type { Target } from '../../support/endpoints.ts'
import { endpoints, sampleBody } from '../../support/endpoints.ts'
import { exchange } from '../../support/exchange.ts'
import type { User } from '../../support/fixtures.ts'
import { givenUser } from '../../support/fixtures.ts'
import type { Refusal } from '../../support/hostile.ts'
import {
  asJson,
  badText,
  bomb,
  brokenBodies,
  canary,
  contentTypes,
  eachOf,
  expectNoTraceOf,
  formTypes,
  jsonTypes,
  megabyte,
  notText,
} from '../../support/hostile.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
let user: User
beforeAll(async () => {
  server = await startServer()
  user = await givenUser(server)
  // GET /tokens rotates the session once and then repeats the pair: after this call it changes nothing any more.
  await server.send('GET', '/tokens', { token: user.access_token })
})
afterAll(() => server.close())

const expectNoTrace = (requests: () => Promise<void>) => expectNoTraceOf(requests, server, user.access_token)

const withBody = endpoints.filter(({ hasBody }) => hasBody)
const withoutBody = endpoints.filter(({ hasBody }) => !hasBody)
const withFields = withBody.flatMap((target) => target.fields.map((field) => ({ ...target, field, name: field.name })))

const json = { 'Content-Type': 'application/json' }

function send(
  { method, path, access }: Target,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = json,
): ReturnType<typeof exchange> {
  const bearer = access.startsWith('bearer') && { Authorization: `Bearer ${user.access_token}` }
  return exchange(server.url, path, { method, headers: { ...bearer, ...headers }, body })
}

describe.each(withFields)('$route: $name', (target) => {
  const { field } = target
  const pointer = `#/${field.name}`
  /** A body in which everything is right but this field, whose value is JSON text. */
  const bodyWith = (value: string) => asJson({ ...sampleBody(target), [field.name]: '@' }).replace('"@"', () => value)

  it('refuses values that are no text, with a pointer to the field', () =>
    expectNoTrace(() =>
      eachOf(notText, async (_name, value, code) => {
        const answer = await send(target, bodyWith(value))
        expect(refusalOf(answer)).toBe(`400 invalid_request ${pointer} ${code}`)
        expect(answer.body.errors[0].detail).toBe('must be a string')
        expect(answer.text).not.toContain(canary)
      }),
    ))

  it('refuses texts that no field accepts, with a pointer to the field', () =>
    expectNoTrace(async () => {
      const empty: readonly Refusal[] = field.mayBeEmpty
        ? []
        : [['nothing', '""', field.name === 'timezone' ? 'invalid_value' : 'too_small']]
      await eachOf([...empty, ...badText(field.sample)], async (_name, value, code) => {
        const answer = await send(target, bodyWith(value))
        expect(refusalOf(answer)).toBe(`400 invalid_request ${pointer} ${code}`)
        expect(answer.text).not.toContain(canary)
      })
      expect(refusalOf(await send(target, bodyWith(`"${megabyte}"`)))).toBe('413 body_too_large')
    }))

  it('takes the last of two values', () =>
    expectNoTrace(async () => {
      const twice = `{"${field.name}":${asJson(field.sample)},${bodyWith('[]').slice(1)}`
      expect(refusalOf(await send(target, twice))).toBe(`400 invalid_request ${pointer} invalid_type`)
    }))
})

describe.each(withFields.filter(({ field }) => !field.optional))('$route: $name', (target) => {
  it('is required', () =>
    expectNoTrace(async () => {
      const { [target.name]: _left, ...rest } = sampleBody(target)
      const answer = await send(target, asJson(rest))
      expect(refusalOf(answer)).toBe(`400 invalid_request #/${target.name} required`)
      expect(answer.body.errors[0].detail).toBe('is required')
      expect(answer.body.detail).toBe(`${target.name}: is required`)
    }))
})

it('allows an empty text only for names and the phone number', () => {
  const mayBeEmpty = withFields.filter(({ field }) => field.mayBeEmpty).map(({ name }) => name)
  expect([...new Set(mayBeEmpty)].sort()).toEqual(['display_name', 'first_name', 'last_name', 'phone_number'])
})

const manyKeys = (count: number) =>
  asJson(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0])))

const fewerKeys = manyKeys(1500)
const tooManyKeys = manyKeys(12_000)

/** Names that are no field of any endpoint, and the pointer to each. */
const strangeNames: readonly (readonly [name: string, pointer: string])[] = [
  ['surprise', '#/surprise'],
  ['__proto__', '#/__proto__'],
  ['constructor', '#/constructor'],
  ['prototype', '#/prototype'],
  ['toString', '#/toString'],
  ['hasOwnProperty', '#/hasOwnProperty'],
  ['id', '#/id'],
  ['is_staff', '#/is_staff'],
  ['$where', '#/$where'],
  ['a/b~c', '#/a~1b~0c'],
  ['', '#/'],
  ['x'.repeat(1000), `#/${'x'.repeat(64)}`],
  ['\ud800', '#/\ufffd'],
]

/** The issue for `{"surprise":1}`, beside the missing fields. */
const surprised = /^400 invalid_request( #\/\w+ required)* #\/surprise unknown_field$/

describe.each(withBody)('$route', (target) => {
  const body = asJson(sampleBody(target))

  it('refuses a body that is not JSON', () =>
    expectNoTrace(() =>
      eachOf(brokenBodies(body), async (_name, bytes) => {
        const answer = await send(target, bytes)
        expect(refusalOf(answer)).toBe('400 malformed_json')
        expect(answer.text).not.toContain(canary)
      }),
    ))

  it('refuses JSON that is no object', () =>
    expectNoTrace(() =>
      eachOf(
        [['null'], ['[]'], [`[${body}]`], ['"text"'], [asJson(canary)], ['42'], ['true'], ['1e999']] as const,
        async (text) => {
          const answer = await send(target, text)
          expect(refusalOf(answer)).toBe('400 invalid_request # invalid_type')
          expect(answer.body.errors[0].detail).toBe('must be a JSON object')
        },
      ),
    ))

  it('refuses other content types, and a body without one', () =>
    expectNoTrace(async () => {
      await eachOf([...contentTypes, ...formTypes], async (type) => {
        expect(refusalOf(await send(target, body, { 'Content-Type': type }))).toBe('415 unsupported_media_type')
      })
      expect(refusalOf(await send(target, body, {}))).toBe('415 unsupported_media_type')
    }))

  it('accepts JSON under all of its names', () =>
    expectNoTrace(async () => {
      await eachOf(jsonTypes, async (type) => {
        const answer = await send(target, '{"surprise":1}', { 'Content-Type': type })
        expect(refusalOf(answer)).toMatch(surprised)
      })
    }))

  it('refuses compressed bodies, truly compressed or not', () =>
    expectNoTrace(() =>
      eachOf([['gzip'], ['deflate'], ['br'], ['x-unknown'], ['gzip, gzip']] as const, async (encoding) => {
        for (const bytes of [body, gzipSync(body), bomb]) {
          const answer = await send(target, bytes, { ...json, 'Content-Encoding': encoding })
          expect(refusalOf(answer)).toBe('415 unsupported_media_type')
        }
      }),
    ))

  it('refuses unknown fields by name', () =>
    expectNoTrace(() =>
      eachOf(strangeNames, async (name, pointer) => {
        const answer = await send(
          target,
          `{${asJson(name)}:{"${canary}":"${canary}"},${body.slice(1)}`.replace(',}', '}'),
        )
        expect(refusalOf(answer)).toBe(`400 invalid_request ${pointer} unknown_field`)
        expect(answer.body.errors[0].detail).toBe('is not a field of this request')
        expect(answer.text).not.toContain(canary)
      }),
    ))

  it('names ten problems at most, in short', () =>
    expectNoTrace(async () => {
      const tenIssues = /^400 invalid_request( \S+ [a-z_]+){10}$/
      expect(refusalOf(await send(target, fewerKeys))).toMatch(tenIssues)
      // Each is cut at 64 characters, all of which need a backslash.
      const longNames = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`${index}`.padEnd(600, '"'), 0]))
      expect(refusalOf(await send(target, asJson(longNames)))).toMatch(tenIssues)
      expect(refusalOf(await send(target, tooManyKeys))).toBe('413 body_too_large')
    }))

  it('takes bodies of up to 16 kB', () =>
    expectNoTrace(async () => {
      const padded = (length: number) => '{"surprise":1}'.padEnd(length)
      expect(refusalOf(await send(target, padded(16_384)))).toMatch(surprised)
      expect(refusalOf(await send(target, padded(16_385)))).toBe('413 body_too_large')
      expect(refusalOf(await send(target, padded(1_000_000)))).toBe('413 body_too_large')
    }))
})

describe.each(withBody.filter(({ access }) => needsAccessToken(access)))('$route', ({ method, path }) => {
  it('checks the token before it reads the body', () =>
    expectNoTrace(async () => {
      for (const body of ['{', '{"surprise":1}', 'x'.repeat(100_000)]) {
        expect(refusalOf(await exchange(server.url, path, { method, headers: json, body }))).toBe('401 unauthenticated')
      }
    }))
})

describe.each(withoutBody)('$route', (target) => {
  it('ignores any body', () =>
    expectNoTrace(async () => {
      const plain = await send(target, '', {})
      expect([200, 404]).toContain(plain.status)
      const bodies = [
        ['{', json],
        [asJson({ id: canary }), json],
        [canary, {}],
        [megabyte, json],
      ] as const
      for (const [body, headers] of bodies) {
        const answer = await send(target, body, headers)
        expect([answer.status, answer.body?.code]).toEqual([plain.status, plain.body?.code])
      }
    }))
})

describe.each(endpoints)('$route', (target) => {
  it('ignores any query', () =>
    expectNoTrace(async () => {
      const queries = [
        '?',
        `?username=${canary}`,
        '?username[not]=',
        '?__proto__[x]=1',
        '?%',
        `?access_token=${user.access_token}`,
      ]
      for (const query of queries) {
        const answer = await send({ ...target, path: target.path + query }, '{"surprise":1}')
        if (target.hasBody) expect(refusalOf(answer)).toMatch(surprised)
        // Only an endpoint that reads a query refuses one that cannot be read.
        else expect([200, 404, ...(target.fields.length > 0 ? [400] : [])]).toContain(answer.status)
      }
    }))
})

describe.each(endpoints.filter(({ pattern }) => pattern.includes('{')))('$route', (target) => {
  it('refuses hostile names in the path like any unknown one', () =>
    expectNoTrace(async () => {
      const names = [
        '__proto__',
        'constructor',
        '%00',
        '%20',
        '%0d%0aX:1',
        '%7B%22not%22%3A%22%22%7D',
        "'--",
        '%F0%9F%92%A9',
        'x'.repeat(9000),
      ]
      for (const name of names) {
        const answer = await send({ ...target, path: target.pattern.replaceAll(/\{\w+\}/g, name) }, '{}')
        expect(refusalOf(answer)).toMatch(/^404 \w+_not_found$|^404 not_found$/)
      }
    }))

  it('refuses names that are no text', () =>
    expectNoTrace(async () => {
      for (const name of ['%', '%zz', '%FF', '%ED%A0%80', '%E0%A4%A']) {
        const answer = await send({ ...target, path: target.pattern.replaceAll(/\{\w+\}/g, name) }, '{}')
        expect(refusalOf(answer)).toBe('400 invalid_request')
      }
    }))
})

describe('a byte order mark', () => {
  const logIn = (before: string, username: string) =>
    exchange(server.url, '/api/v1/auth/login_credentials', {
      method: 'POST',
      headers: json,
      body: before + asJson({ username, password: user.password }),
    })

  it('is skipped before a body, once', async () => {
    expect((await logIn('\ufeff', user.username)).status).toBe(200)
    expect(refusalOf(await logIn('\ufeff\ufeff', user.username))).toBe('400 malformed_json')
  })

  it('is a character like any other within a text', async () => {
    expect(refusalOf(await logIn('', `\ufeff${user.username}`))).toBe('401 credentials_invalid')
  })
})

describe('a content type as long as a header may be', () => {
  it.each(['application/json', 'application/json; charset=utf-8'])('is refused: %s, and spaces', async (type) => {
    const headers = { 'Content-Type': `${type}${' '.repeat(15_500)}x` }
    const answer = await exchange(server.url, '/api/v1/auth/verify_token', { method: 'POST', headers, body: '{}' })
    expect(refusalOf(answer)).toBe('415 unsupported_media_type')
  })
})
