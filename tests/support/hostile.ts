import { gzipSync } from 'node:zlib'
import type { TestServer } from './server.ts'

/** A marker in sent values, to search for where it must not appear. */
export const canary = 'CANARYsbeak'

/** All stored rows as one text, without the events of /tokens, which issues tokens even for a body with more fields. */
async function stored({ database: { db } }: TestServer): Promise<string> {
  const tables = await db.$queryRaw<{ name: string }[]>`SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`
  const digests = tables.map(
    ({ name }) => `SELECT '${name}' AS name, md5(string_agg(t::text, ',' ORDER BY t::text)) AS rows
      FROM "${name}" t ${name === 'events' ? "WHERE type <> 'renewed_with_access_token'" : ''}`,
  )
  return JSON.stringify(await db.$queryRawUnsafe(digests.sort().join(' UNION ALL ')))
}

/** Checks that the requests store nothing, log no secret and cause no failure, and that the session stays alive. */
export async function expectNoTraceOf(
  requests: () => Promise<void>,
  server: TestServer,
  accessToken: string,
): Promise<void> {
  const before = await stored(server)
  const linesBefore = server.logged.length
  await requests()
  expect(await stored(server)).toBe(before)
  const lines = server.logged.slice(linesBefore)
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines) {
    expect(JSON.parse(line).level).toBe('info')
    expect(line).not.toContain(canary)
    expect(line).not.toContain(accessToken)
  }
  expect((await server.send('GET', '/session', { token: accessToken })).status).toBe(200)
}

/** Runs the cases one after the other; a failure names its case. */
export async function eachOf<Case extends readonly [name: string, ...rest: unknown[]]>(
  cases: readonly Case[],
  check: (...args: [...Case]) => Promise<void>,
): Promise<void> {
  for (const args of cases) {
    await check(...args).catch((error: unknown) => {
      throw new Error(`${args[0]}: ${error instanceof Error ? error.message : error}`, { cause: error })
    })
  }
}

export type Refusal = readonly [name: string, value: string, code: string]
export const asJson = (value: unknown) => JSON.stringify(value)

export const notText: readonly Refusal[] = [
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

export const badText = (sample: string): readonly Refusal[] => [
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

/** A thousand bytes that would expand to a million. */
export const bomb = gzipSync('0'.repeat(1_000_000))
export const megabyte = 'x'.repeat(1_000_000)

/** Other names of the media type of JSON. */
export const jsonTypes: readonly (readonly [type: string])[] = [
  ['application/json'],
  ['application/json; charset=utf-8'],
  ['application/json;charset="UTF-8"'],
  ['Application/JSON'],
  ['application/json; charset=utf8'],
  ['application/json; charset="utf8"; version=1.0'],
  ['application/json; charset=us-ascii'],
  ['application/json; version=1.0'],
  ['application/json; profile="https://example.com/profile;x"'],
  ['application/json; odata=verbose; q=0.9'],
  ['application/json;'],
]

/** The media types that the published contracts take beside JSON. */
export const formTypes: readonly (readonly [type: string])[] = [
  ['application/x-www-form-urlencoded'],
  ['multipart/form-data; boundary=x'],
]

export const contentTypes: readonly (readonly [type: string])[] = [
  ['text/plain'],
  ['text/html'],
  ['text/json'],
  ['application/xml'],
  ['application/octet-stream'],
  ['application/jsonp'],
  ['application/json-patch+json'],
  ['application/json; charset=latin1'],
  ['application/json; charset=utf-16'],
  ['application/json; charset=utf-8; charset=latin1'],
  ['application/json; charset=utf8; version=1.0; charset="utf-16"'],
  ['application/json; charset='],
  ['text/plain; type=application/json'],
  ['application/json, text/plain'],
  ['json'],
  [''],
]

/** Bodies that are no JSON in UTF-8, many of them made of a valid one. */
export const brokenBodies = (body: string): readonly (readonly [name: string, bytes: string | Buffer])[] => [
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
]
