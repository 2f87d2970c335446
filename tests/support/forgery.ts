import { createHmac, hkdfSync } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { jwtVerify } from 'jose'
import type { TokenKind } from '../../src/kernel/ports.ts'
import type { TestServer } from './server.ts'

interface Claims extends Readonly<Record<string, unknown>> {
  readonly iss: string
  readonly aud: string
  readonly sub: string
  readonly user_id: number
  readonly sid: string
  readonly iat: number
  readonly exp: number
}

/** The parts of a genuine token, and the keys to make similar ones. */
export interface TokenParts {
  readonly kind: TokenKind
  readonly genuine: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Claims
  readonly key: Buffer
  /** The key for tokens of the other kind. */
  readonly otherKey: Buffer
}

/** Text and bytes are used as they are, anything else as JSON. */
type Part = object | string | Buffer

export function takeApart(kind: TokenKind, genuine: string, { settings }: TestServer): TokenParts {
  const [header = '', claims = ''] = genuine.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  const [access, refresh] = [Buffer.from(accessTokenKeyOf(settings)), derivedKey(settings.SECRET_KEY, 'refresh token')]
  const [key, otherKey] = kind === 'access' ? [access, refresh] : [refresh, access]
  return { kind, genuine, header: JSON.parse(header), claims: JSON.parse(claims), key, otherKey }
}

/** HKDF as in RFC 5869, independent of the product's code. */
export function derivedKey(secret = '', purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `auth-server ${purpose}`, 32))
}

/** The key that other services get when the settings name none: a text, whose bytes are the HMAC key. */
export function accessTokenKeyOf({ SECRET_KEY }: TestServer['settings']): string {
  return derivedKey(SECRET_KEY, 'access token').toString('base64url')
}

export function encode(part: Part): string {
  const isRaw = typeof part === 'string' || Buffer.isBuffer(part)
  return Buffer.from(isRaw ? part : JSON.stringify(part)).toString('base64url')
}

/** Appends the HMAC of the first two segments. */
export function signed(content: string, key: Buffer | string, hash = 'sha256'): string {
  return `${content}.${createHmac(hash, key).update(content).digest('base64url')}`
}

/** A correctly signed token with some parts replaced. */
export function forge(
  parts: TokenParts,
  { header = parts.header, claims = parts.claims }: { header?: Part; claims?: Part },
) {
  return signed(`${encode(header)}.${encode(claims)}`, parts.key)
}

/** A correctly signed token with some members of the header replaced. */
export function content({ header, claims }: TokenParts, changes: object): string {
  return `${encode({ ...header, ...changes })}.${encode(claims)}`
}

export function segmentsOf({ genuine }: TokenParts): [string, string, string] {
  const [header = '', claims = '', signature = ''] = genuine.split('.')
  return [header, claims, signature]
}

/** The members as JSON, one of them replaced or added by a text that JSON.stringify would not write. */
export function withMember(members: object, name: string, json: string): string {
  return JSON.stringify({ ...members, [name]: '@' }).replace('"@"', () => json)
}

export function without(members: object, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))
}

/** The verdicts of two other implementations on a token at an instant, with all their checks enabled. */
export async function verdictsOfOthers({ header, claims, key }: TokenParts, token: string, instant: Date) {
  const requiredClaims = Object.keys(claims)
  const [typ, lifetime] = [String(header.typ), claims.exp - claims.iat]
  const ofJose = jwtVerify(token, key, {
    algorithms: ['HS256'],
    issuer: claims.iss,
    audience: claims.aud,
    typ,
    requiredClaims,
    clockTolerance: 60,
    maxTokenAge: lifetime,
    currentDate: instant,
  })
  const verifyFast = createVerifier({
    key,
    algorithms: ['HS256'],
    allowedIss: claims.iss,
    allowedAud: claims.aud,
    checkTyp: typ,
    requiredClaims,
    clockTolerance: 60_000,
    maxAge: (lifetime + 60) * 1000,
    clockTimestamp: instant.getTime(),
    cache: false,
  })
  return { jose: await isFulfilled(ofJose), fastJwt: await isFulfilled((async () => verifyFast(token))()) }
}

function isFulfilled(verification: Promise<unknown>): Promise<boolean> {
  return verification.then(
    () => true,
    () => false,
  )
}
