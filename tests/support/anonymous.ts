import type { Exchanged } from './exchange.ts'
import { call } from './foreign.ts'
import type { TestServer } from './server.ts'

let anonymousClients = 0

/** A request from a new client address (TRUST_PROXY must be 1), so that no rate limit is used up. */
export async function askAnonymously(
  server: TestServer,
  route: string,
  body?: object,
  headers: object = {},
): Promise<Exchanged> {
  const [method = '', path = ''] = route.split(' ')
  anonymousClients += 1
  const address = `198.18.${anonymousClients >> 8}.${anonymousClients & 255}`
  return call(server, { method, path, ...(body && { body }), headers: { ...headers, 'X-Forwarded-For': address } })
}

/** All bytes of the answer without the request id, the time and the words that were sent. */
export function bytesOf({ status, headers, text }: Exchanged, words: readonly string[] = []): string {
  const { date: _date, 'x-request-id': id = '', ...fields } = headers
  const said = words.reduce((rest, word) => rest.replaceAll(word, 'a word'), text.replaceAll(String(id), 'the id'))
  expect(fields.ratelimit).toMatch(/r=\d+; t=60/)
  expect(fields['content-length']).toBe(String(Buffer.byteLength(text)))
  // The policy names the client address by a digest.
  const policy = String(fields['ratelimit-policy']).replace(/pk=:[^:]+:/, '')
  return JSON.stringify([status, { ...fields, 'ratelimit-policy': policy }, said])
}
