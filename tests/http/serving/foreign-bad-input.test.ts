import { gzipSync } from 'node:zlib'
import type { Target } from '../../support/endpoints.ts'
import { djangoEndpoints, sampleBody } from '../../support/endpoints.ts'
import { django, foreignRefusalOf } from '../../support/error-formats.ts'
import type { Exchanged } from '../../support/exchange.ts'
import { exchange } from '../../support/exchange.ts'
import type { User } from '../../support/fixtures.ts'
import { givenVerifiedUser } from '../../support/fixtures.ts'
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
  user = await givenVerifiedUser(server)
})
afterAll(() => server.close())

const expectNoTrace = (requests: () => Promise<void>) => expectNoTraceOf(requests, server, user.access_token)

const withBody = djangoEndpoints.filter(({ hasBody }) => hasBody)
const withoutBody = djangoEndpoints.filter(({ hasBody }) => !hasBody)
// A uid beside a token in a body is not looked at.
const withFields = withBody.flatMap((target) =>
  target.fields.filter(({ name }) => name !== 'uid').map((field) => ({ ...target, field, name: field.name })),
)
/** The names of the field in which a password is repeated. */
const confirmationsOf = (name: string) => [`${name}2`, `${name}_confirm`, `re_${name}`, name.replace(/1$/, '2')]
/** They take any text for an address. */
const lenientLogins = ['POST /api/auth/login/', 'POST /dj-rest-auth/login/']

const json = { 'Content-Type': 'application/json' }
const asked = { Accept: 'application/json' }

function send(
  { method, path, access }: Pick<Target, 'method' | 'path' | 'access'>,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = json,
): Promise<Exchanged> {
  const bearer = access.startsWith('bearer') && { Authorization: `Bearer ${user.access_token}` }
  return exchange(server.url, path, { method, headers: { ...asked, ...bearer, ...headers }, body })
}

/** The message about one field, in an answer that names fields and repeats nothing that was sent. */
function messageOn(name: string, answer: Exchanged): string {
  expect(foreignRefusalOf(answer)).toMatch(/^400 /)
  expect(answer.text).not.toContain(canary)
  for (const sentences of Object.values(answer.body)) expect(sentences).toEqual([expect.stringMatching(/^[A-Z].*\.$/)])
  return answer.body[name]?.[0] ?? `nothing on ${name} in ${answer.text}`
}

/** The messages about texts that no field takes. */
const sentences: Readonly<Record<string, RegExp>> = {
  control_character: /^(Must not hold control characters|Null characters are not allowed)\.$/,
  ill_formed_text: /^(Must be well-formed Unicode|Surrogate characters are not allowed: U\+D[\dA-F]{3})\.$/,
  too_big: /^Ensure this field has no more than \d+ characters\.$/,
}

describe.each(withFields)('$route: $name', (target) => {
  const { field } = target
  /** A body in which everything is right but this field, whose value is JSON text, and what has to be equal to it. */
  function bodyWith(value: string): string {
    const sample = sampleBody(target)
    // A login counts one of them when both are sent.
    if (lenientLogins.includes(target.route) && field.name === 'email') delete sample.username
    if (lenientLogins.includes(target.route) && field.name === 'username') delete sample.email
    const same = Object.keys(sample).filter((name) => [field.name, ...confirmationsOf(field.name)].includes(name))
    return asJson({ ...sample, ...Object.fromEntries(same.map((name) => [name, '@'])) }).replaceAll('"@"', () => value)
  }

  /** With a confirmation beside it, the longest text does not fit into a body. */
  const fits = ([, value]: Refusal) => bodyWith(value).length <= 16_384

  it('refuses values that are no text, by the name of the field', () =>
    expectNoTrace(() =>
      eachOf(
        notText.filter(fits).filter(([, value]) => Number.isNaN(Number(value))),
        async (_name, value) => {
          const isAddress = field.name === 'email' && !lenientLogins.includes(target.route)
          const noText = isAddress ? 'Enter a valid email address.' : 'Not a valid string.'
          const wanted = value === 'null' ? 'This field may not be null.' : noText
          expect(messageOn(field.name, await send(target, bodyWith(value)))).toBe(wanted)
        },
      ),
    ))

  it('refuses texts that no field accepts, by the name of the field', () =>
    expectNoTrace(async () => {
      await eachOf(badText(field.sample).filter(fits), async (_name, value, code) => {
        const said = messageOn(field.name, await send(target, bodyWith(value)))
        if (/^The two passwords/.test(said)) expect(field.name).toMatch(/2$|_confirm$|^re_/)
        else expect(said).toMatch(sentences[code] ?? /^no rule/)
      })
      expect(foreignRefusalOf(await send(target, bodyWith(`"${megabyte}"`)))).toMatch(/^413 \{"detail":"[^"]+"\}$/)
    }))
})

describe.each(
  withFields.filter(
    ({ route }) => !/register|change-password|me|profile|registration\/$|\/users?\/$|set_password/.test(route),
  ),
)('$route: $name', (target) => {
  it('refuses a number of any size without a fault', () =>
    eachOf([['0'], ['42'], ['-1'], ['1.5'], ['1e999'], ['9007199254740993']] as const, async (value) => {
      const body = asJson({ ...sampleBody(target), [target.field.name]: '@' }).replace('"@"', () => value)
      expect(foreignRefusalOf(await send(target, body)).slice(0, 3)).toMatch(/^40[014]$/)
    }))
})

describe.each(withBody)('$route', (target) => {
  const body = asJson(sampleBody(target))

  it('refuses a body that is not JSON', () =>
    expectNoTrace(() =>
      eachOf(brokenBodies(body), async (_name, bytes) => {
        const answer = await send(target, bytes)
        expect(foreignRefusalOf(answer)).toMatch(/^400 \{"detail":"JSON parse error - [^"]+"\}$/)
        expect(answer.text).not.toContain(canary)
      }),
    ))

  it('refuses JSON that is no object', () =>
    expectNoTrace(() =>
      eachOf([['null'], ['[]'], [`[${body}]`], ['"text"'], ['42'], ['true'], ['1e999']] as const, async (text) => {
        const said = foreignRefusalOf(await send(target, text))
        if (text === 'null') expect(said).toBe(django.fields({ non_field_errors: ['No data provided'] }))
        else
          expect(said).toMatch(/^400 \{"non_field_errors":\["Invalid data\. Expected a dictionary, but got \w+\."\]\}$/)
      }),
    ))

  it('accepts JSON under all of its names', () =>
    expectNoTrace(() =>
      eachOf(jsonTypes, async (type) => {
        const answer = await send(target, '{"half', { 'Content-Type': type })
        expect(foreignRefusalOf(answer)).toMatch(/^400 \{"detail":"JSON parse error/)
      }),
    ))

  it('refuses other content types, and a body without one', () =>
    expectNoTrace(async () => {
      await eachOf([...contentTypes, ['text/plain; x="<script>"']] as const, async (type) => {
        const answer = await send(target, body, { 'Content-Type': type })
        expect([foreignRefusalOf(answer).slice(0, 3), answer.body]).toEqual([
          '415',
          { detail: `Unsupported media type "${type}" in request.` },
        ])
      })
      expect(foreignRefusalOf(await send(target, body, {}))).toBe(
        '415 {"detail":"Unsupported media type \\"\\" in request."}',
      )
      for (const bytes of [body, gzipSync(body), bomb]) {
        const answer = await send(target, bytes, { ...json, 'Content-Encoding': 'gzip' })
        expect(foreignRefusalOf(answer)).toMatch(/^415 \{"detail":/)
      }
    }))

  it('ignores fields that it does not know, whatever they are called', () =>
    expectNoTrace(async () => {
      const names = [
        'surprise',
        '__proto__',
        'constructor',
        'toString',
        'is_staff',
        '$where',
        '',
        '\ud800',
        'uid',
        'new_password2',
      ].filter((name) => !target.fields.some((field) => field.name === name))
      const [first] = target.fields
      if (!first) throw new Error(`${target.route} has no field`)
      const wrong = await send(target, asJson({ [first.name]: [] }))
      for (const name of names) {
        const strange = `{${asJson(name)}:{"${canary}":["${canary}"]},${asJson({ [first.name]: [] }).slice(1)}`
        const answer = await send(target, strange)
        expect([answer.status, answer.text]).toEqual([wrong.status, wrong.text])
      }
      expect(foreignRefusalOf(await send(target, ' '.repeat(20_000)))).toMatch(/^413 /)
    }))
})

describe.each(withoutBody)('$route', (target) => {
  it('ignores any body and any query', () =>
    expectNoTrace(async () => {
      const plain = await send(target, '', {})
      for (const bytes of ['{', asJson({ token: canary }), megabyte]) {
        const answer = await send(target, bytes)
        expect([answer.status, answer.body]).toEqual([plain.status, plain.body])
      }
      for (const query of [
        `?x=${canary}`,
        '?username[not]=',
        '?__proto__[x]=1',
        `?access_token=${user.access_token}`,
      ]) {
        const answer = await send({ ...target, path: target.path + query }, '', {})
        expect([answer.status, answer.body]).toEqual([plain.status, plain.body])
      }
      for (const query of ['?%', '?token=%FF']) {
        const answer = await send({ ...target, path: target.path + query }, '', {})
        expect(foreignRefusalOf(answer)).toBe('400 {"detail":"Malformed request."}')
      }
    }))
})

describe('GET /api/auth/verify-email/', () => {
  it.each(['%00', '%0d%0aX:1', '%7B%22not%22:1%7D', '[object]', 'x'.repeat(600), '%F0%9F%92%A9', "'--"])(
    'refuses the token %s',
    (token) =>
      expectNoTrace(async () => {
        const answer = await exchange(server.url, `/api/auth/verify-email/?token=${token}`, { headers: asked })
        expect(foreignRefusalOf(answer)).toMatch(
          /^400 \{("token":\["[^"]+"\]|"detail":"The verification token [^"]+")\}$/,
        )
      }),
  )

  it('does not read token[not] as a token', () =>
    expectNoTrace(async () => {
      const answer = await exchange(server.url, '/api/auth/verify-email/?token[not]=x', { headers: asked })
      expect(foreignRefusalOf(answer)).toBe(django.required('token'))
    }))
})

describe('PATCH /api/auth/password-reset-confirm/{uidb64}/{token}/', () => {
  const patch = (uid: string, token: string) =>
    exchange(server.url, `/api/auth/password-reset-confirm/${uid}/${token}/`, {
      method: 'PATCH',
      headers: json,
      body: asJson({ password: 'canary horse battery' }),
    })
  const hostile = [
    '__proto__',
    '%00',
    '%20',
    '%0d%0aX:1',
    '%7B%22not%22%3A%22%22%7D',
    "'--",
    '%F0%9F%92%A9',
    'OTk5OTk5OTk5OTk5',
    'MWUzMDg',
    'TmFO',
    'LTE',
  ]

  it('refuses hostile names in the path like any unknown one', () =>
    expectNoTrace(async () => {
      for (const name of hostile) {
        for (const answer of [await patch(name, 'x'), await patch('MQ', name), await patch(name, name)]) {
          expect(foreignRefusalOf(answer)).toMatch(/^400 \{("detail":"The reset token|"uidb64":\["Must be the one)/)
        }
      }
      expect(foreignRefusalOf(await patch('MQ', 'x'.repeat(9000)))).toBe(django.badToken('reset'))
    }))

  it('refuses names that are no text', () =>
    expectNoTrace(async () => {
      for (const name of ['%', '%zz', '%FF', '%ED%A0%80']) {
        for (const answer of [await patch(name, 'x'), await patch('MQ', name)]) {
          expect(foreignRefusalOf(answer)).toBe('400 {"detail":"Malformed request."}')
        }
      }
    }))
})

describe('a query as long as an address may be', () => {
  it('is read, however many names are in it', async () => {
    const query = Array.from({ length: 3600 }, (_, index) => index.toString(36)).join('&')
    const answer = await exchange(server.url, `/api/auth/verify-email/?${query}`, { headers: asked })
    expect(answer.status).toBe(400)
  })
})
