import type { Access } from '../../src/http/contracts/endpoint.ts'
import { needsAccessToken } from '../../src/http/contracts/endpoint.ts'
import type { Exchanged } from '../support/exchange.ts'
import type { Outgoing } from './request.ts'
import { canary } from './world.ts'

/** The headers of every answer, whatever the request. */
const always: Readonly<Record<string, RegExp>> = {
  'cache-control': /^no-store$/,
  'content-security-policy': /^default-src 'none'; ?.*base-uri 'none'; ?form-action/,
  'cross-origin-opener-policy': /^same-origin$/,
  'cross-origin-resource-policy': /^same-origin$/,
  'referrer-policy': /^no-referrer$/,
  'x-content-type-options': /^nosniff$/,
  'x-frame-options': /^(DENY|SAMEORIGIN)$/,
  'x-request-id': /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/,
}

/** Texts that no client may read: stacks, files, Prisma, SQL, hashes. */
const internals =
  /\n\s+at |node_modules|\.[jt]s:\d|file:\/\/|\/(src|dist|tests|home|tmp|root)\/|prisma|\bP20\d\d\b|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b.*\b(FROM|VALUES|SET|WHERE)\b|postgres|violates|\$2[aby]\$/i

const mostBytes = 4096

/** Throws if an answer breaks a promise that holds for every request. */
export function judgeAnswer(answer: Exchanged): void {
  const { status, headers, text } = answer
  const type = String(headers['content-type'] ?? '')
  if (status >= 500 && status !== 503) throw new Error(`a fault: ${status} ${text}`)
  for (const [name, form] of Object.entries(always)) {
    if (!form.test(String(headers[name] ?? '')))
      throw new Error(`the header ${name} is ${headers[name]} with ${status}`)
  }
  if (headers['x-powered-by'] ?? headers.etag) throw new Error('a header reveals the implementation')
  if (status === 401 && !headers['www-authenticate']) throw new Error('a 401 without WWW-Authenticate')
  if (status === 405 && headers.allow === undefined) throw new Error('a 405 without Allow')
  if ((status === 429 || status === 503) && !headers['retry-after']) throw new Error(`a ${status} without Retry-After`)
  if (text.includes(canary)) throw new Error(`the answer holds a password: ${text}`)
  if (type.startsWith('text/html')) {
    if (status >= 400) throw new Error(`a refusal in HTML: ${text}`)
    return
  }
  if (text !== '' && answer.body === undefined && !type.startsWith('text/')) throw new Error(`no JSON: ${text}`)
  if (status < 400) return
  if (internals.test(text)) throw new Error(`the refusal tells of our insides: ${text}`)
  if (Buffer.byteLength(text) > mostBytes) throw new Error(`a refusal of ${Buffer.byteLength(text)} bytes`)
}

/** Throws if an endpoint accepted a token that was never issued. */
export function judgeAccess(
  access: Access,
  { headers, body }: Outgoing,
  wasIssued: (kind: 'access' | 'refresh', token: string) => boolean,
): void {
  if (needsAccessToken(access)) {
    const token = /^bearer +(\S+) *$/i.exec(headers.Authorization ?? '')?.[1] ?? ''
    if (!wasIssued('access', token)) throw new Error(`let in with "${headers.Authorization}"`)
  }
  if (access === 'refresh') {
    const sent = `${headers.Cookie ?? ''}\n${body ?? ''}`
    const tokens = sent.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []
    if (!tokens.some((token) => wasIssued('refresh', token))) throw new Error(`refreshed with ${sent}`)
  }
}

/** Throws if lines of the log hold a secret or tell of a fault. */
export function judgeLog(lines: readonly string[], secrets: readonly string[]): void {
  const log = lines.join('\n')
  const secret = secrets.find((text) => log.includes(text))
  if (secret !== undefined) {
    throw new Error(`the log holds the secret ${secret}: ${lines.find((line) => line.includes(secret))}`)
  }
  const fault = lines.find((line) => line.startsWith('{"level":"error"'))
  if (fault !== undefined) throw new Error(`a fault in the log: ${fault}`)
}
