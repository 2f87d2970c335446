import { gzipSync } from 'node:zlib'
import { refusalOf } from '../support/answers.ts'
import type { Target } from '../support/endpoints.ts'
import { endpoints, sampleBody } from '../support/endpoints.ts'
import { exchange } from '../support/exchange.ts'
import type { User } from '../support/people.ts'
import { givenUser } from '../support/people.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
let user: User
beforeAll(async () => {
  server = await startServer()
  user = await givenUser(server)
  // GET /tokens gives what follows the token that it is called with: after this call it changes nothing any more.
  await server.send('GET', '/tokens', { token: user.access_token })
})
afterAll(() => server.close())

/** In the values that are sent, so that it can be looked for where it must not turn up. */
const canary = 'CANARYsbeak'

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

/** All that is stored, as one text. */
async function stored(): Promise<string> {
  const { db } = server.database
  const tables = await db.$queryRaw<
    { name: string }[]
  >`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
  const digests = tables.map(
    ({ name }) => `SELECT '${name}' AS name, md5(string_agg(t::text, ',' ORDER BY t::text)) AS rows FROM "${name}" t`,
  )
  return JSON.stringify(await db.$queryRawUnsafe(digests.sort().join(' UNION ALL ')))
}

/** Whatever the requests are: nothing is stored, nothing secret is logged, nothing fails, and the session lives on. */
async function expectNoTrace(requests: () => Promise<void>): Promise<void> {
  const before = await stored()
  const linesBefore = server.logged.length
  await requests()
  expect(await stored()).toBe(before)
  const lines = server.logged.slice(linesBefore)
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines) {
    expect(JSON.parse(line).level).toBe('info')
    expect(line).not.toContain(canary)
    expect(line).not.toContain(user.access_token)
  }
  expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
}

/** Runs the cases one after the other; a failure tells which it was. */
async function eachOf<Case extends readonly [name: string, ...rest: unknown[]]>(
  cases: readonly Case[],
  check: (...args: [...Case]) => Promise<void>,
): Promise<void> {
  for (const args of cases) {
    await check(...args).catch((error: unknown) => {
      throw new Error(`${args[0]}: ${error instanceof Error ? error.message : error}`, { cause: error })
    })
  }
}

type Refusal = readonly [name: string, value: string, code: string]
const asJson = (value: unknown) => JSON.stringify(value)

const notText: readonly Refusal[] = [
  ['a list', asJson([canary]), 'invalid_type'],
  ['an empty list', '[]', 'invalid_type'],
  ['a list of lists', asJson([[canary]]), 'invalid_type'],
  ['an object', asJson({ [canary]: canary }), 'invalid_type'],
  ['a number', '42', 'invalid_type'],
  ['a number beyond all bounds', '1e999', 'invalid_type'],
  ['null', 'null', 'invalid_type'],
  ['true', 'true', 'invalid_type'],
  ['false', 'false', 'invalid_type'],
  ['the operator not', '{"not":""}', 'invalid_type'],
  ['the operator contains', '{"contains":""}', 'invalid_type'],
  ['the operator in', asJson({ in: [canary] }), 'invalid_type'],
  ['operators in a list', '[{"not":""}]', 'invalid_type'],
  ['an object with __proto__', '{"__proto__":{"length":5}}', 'invalid_type'],
  ['an object with constructor', '{"constructor":{"name":"String"},"length":5}', 'invalid_type'],
  ['an object with methods of texts', '{"toString":"x","normalize":"x","length":8}', 'invalid_type'],
  ['deep lists', `${'['.repeat(5000)}${']'.repeat(5000)}`, 'invalid_type'],
  ['deep objects', `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`, 'invalid_type'],
]

const badText = (sample: string): readonly Refusal[] => [
  ['a NUL', asJson(`${sample}\u0000`), 'control_character'],
  ['a NUL alone', '"\\u0000"', 'control_character'],
  ['an escape character', asJson(`\u001b[31m${sample}`), 'control_character'],
  ['a line break', asJson(`${sample}\r\nBcc: x`), 'control_character'],
  ['DEL', asJson(`${sample}\u007f`), 'control_character'],
  ['a C1 control character', asJson(`${sample}\u0085`), 'control_character'],
  ['a lone high surrogate', `"${sample}\\ud800"`, 'ill_formed_text'],
  ['a lone low surrogate', `"\\udc00${sample}"`, 'ill_formed_text'],
  ['surrogates in the wrong order', `"\\udc00\\ud800"`, 'ill_formed_text'],
  ['10,000 characters', asJson(canary.repeat(1000)), 'too_big'],
]

describe.each(withFields)('$route: $name', (target) => {
  const { field } = target
  const pointer = `#/${field.name}`
  /** A body in which everything is right but this field, whose value is JSON text. */
  const bodyWith = (value: string) => asJson({ ...sampleBody(target), [field.name]: '@' }).replace('"@"', () => value)

  it('refuses what is no text, with a pointer to the field', () =>
    expectNoTrace(() =>
      eachOf(notText, async (_name, value, code) => {
        const answer = await send(target, bodyWith(value))
        expect(refusalOf(answer)).toBe(`400 invalid_request ${pointer} ${code}`)
        expect(answer.body.errors[0].detail).toBe('must be a string')
        expect(answer.text).not.toContain(canary)
      }),
    ))

  it('refuses texts that no field takes, with a pointer to the field', () =>
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

  it('counts the last of two values', () =>
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

it('lets nothing be empty but what a person may leave empty', () => {
  const mayBeEmpty = withFields.filter(({ field }) => field.mayBeEmpty).map(({ name }) => name)
  expect([...new Set(mayBeEmpty)].sort()).toEqual(['display_name', 'first_name', 'last_name', 'phone_number'])
})

/** A thousand bytes that would become a million. */
const bomb = gzipSync('0'.repeat(1_000_000))
const megabyte = 'x'.repeat(1_000_000)

const manyKeys = (count: number) =>
  asJson(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0])))

const fewerKeys = manyKeys(1500)
const tooManyKeys = manyKeys(12_000)

/** Names that are no field of anything, with the pointer that tells of each. */
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

const contentTypes: readonly (readonly [type: string])[] = [
  ['text/plain'],
  ['text/html'],
  ['text/json'],
  ['application/x-www-form-urlencoded'],
  ['multipart/form-data; boundary=x'],
  ['application/xml'],
  ['application/octet-stream'],
  ['application/jsonp'],
  ['application/json-patch+json'],
  ['application/json; charset=latin1'],
  ['application/json; charset=utf-16'],
  ['application/json; charset=utf-8; charset=latin1'],
  ['application/json, text/plain'],
  ['json'],
  [''],
]

/** What is said to `{"surprise":1}`, besides what is missing. */
const surprised = /^400 invalid_request( #\/\w+ required)* #\/surprise unknown_field$/

const acceptedTypes = [
  'application/json; charset=utf-8',
  'application/json;charset="UTF-8"',
  'Application/JSON',
] as const

describe.each(withBody)('$route', (target) => {
  const body = asJson(sampleBody(target))

  it('refuses what is not JSON', () =>
    expectNoTrace(() =>
      eachOf(
        [
          ['a word', 'null0'],
          ['half a body', `{"${canary}":"`],
          ['a body without its end', body.slice(0, -1)],
          ['a body with something behind', `${body}}`],
          ['two bodies', body + body],
          ['single quotes', `{'${canary}':'${canary}'}`],
          ['a bare name', `{${canary}:1}`],
          ['a comma too many', `{"${canary}":1,}`],
          ['NaN', `{"${canary}":NaN}`],
          ['a comment', `/**/${body}`],
          ['a raw control character', `{"a":"${canary}\u0001"}`],
          ['white space', ' \n\t '],
          ['lists that never end', '['.repeat(16_000)],
          ['HTML', '<html><script>alert(1)</script></html>'],
          ['a form', 'username=ada&password=x'],
          ['a byte that is no UTF-8', Buffer.from(`{"a":"${canary}\xff"}`, 'latin1')],
          ['an overlong NUL', Buffer.from('{"a":"\xc0\x80"}', 'latin1')],
          ['a surrogate in UTF-8', Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1')],
          ['half a character', Buffer.from('{"a":"\xe2\x82"}', 'latin1')],
          ['UTF-16', Buffer.from(body, 'utf16le')],
        ] as const,
        async (_name, bytes) => {
          const answer = await send(target, bytes)
          expect(refusalOf(answer)).toBe('400 malformed_json')
          expect(answer.text).not.toContain(canary)
        },
      ),
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
      await eachOf(contentTypes, async (type) => {
        expect(refusalOf(await send(target, body, { 'Content-Type': type }))).toBe('415 unsupported_media_type')
      })
      expect(refusalOf(await send(target, body, {}))).toBe('415 unsupported_media_type')
    }))

  it('takes JSON under all of its names', () =>
    expectNoTrace(async () => {
      for (const type of acceptedTypes) {
        const answer = await send(target, '{"surprise":1}', { 'Content-Type': type })
        expect(refusalOf(answer)).toMatch(surprised)
      }
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

  it('answers briefly, however much is wrong', () =>
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

describe.each(withBody.filter(({ access }) => access === 'bearer'))('$route', ({ method, path }) => {
  it('looks at no body before it knows the caller', () =>
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
  it('lets no query change anything', () =>
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
        else expect([200, 404]).toContain(answer.status)
      }
    }))
})

describe.each(endpoints.filter(({ pattern }) => pattern.includes('{')))('$route', (target) => {
  it('knows nothing under hostile names', () =>
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
