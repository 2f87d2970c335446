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

/** A token of the server taken apart, and the keys to make others like it. */
export interface Mould {
  readonly kind: TokenKind
  readonly genuine: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Claims
  readonly key: Buffer
  /** The key of the tokens of the other kind. */
  readonly otherKey: Buffer
}

/** Text and bytes are taken as they are, anything else as JSON. */
type Part = object | string | Buffer

export function takeApart(kind: TokenKind, genuine: string, { settings }: TestServer): Mould {
  const [header = '', claims = ''] = genuine.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  const [access, refresh] = [Buffer.from(accessTokenKeyOf(settings)), derivedKey(settings.SECRET_KEY, 'refresh token')]
  const [key, otherKey] = kind === 'access' ? [access, refresh] : [refresh, access]
  return { kind, genuine, header: JSON.parse(header), claims: JSON.parse(claims), key, otherKey }
}

/** As RFC 5869 derives it, without the product's help. */
export function derivedKey(secret = '', purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `auth-server ${purpose}`, 32))
}

/** The key that other services are given, where the settings name none: a text, whose bytes are the HMAC key. */
export function accessTokenKeyOf({ SECRET_KEY }: TestServer['settings']): string {
  return derivedKey(SECRET_KEY, 'access token').toString('base64url')
}

export function encode(part: Part): string {
  const isRaw = typeof part === 'string' || Buffer.isBuffer(part)
  return Buffer.from(isRaw ? part : JSON.stringify(part)).toString('base64url')
}

/** The HMAC of the first two segments beneath them. */
export function signed(content: string, key: Buffer | string, hash = 'sha256'): string {
  return `${content}.${createHmac(hash, key).update(content).digest('base64url')}`
}

/** A token well signed, with parts that differ from those of the mould. */
export function forge(
  mould: Mould,
  { header = mould.header, claims = mould.claims }: { header?: Part; claims?: Part },
) {
  return signed(`${encode(header)}.${encode(claims)}`, mould.key)
}

/** What is signed when some members of the header differ from those of the mould. */
export function content({ header, claims }: Mould, changes: object): string {
  return `${encode({ ...header, ...changes })}.${encode(claims)}`
}

export function segmentsOf({ genuine }: Mould): [string, string, string] {
  const [header = '', claims = '', signature = ''] = genuine.split('.')
  return [header, claims, signature]
}

/** The members as JSON, one of them replaced or added by a text that JavaScript itself might not write. */
export function withMember(members: object, name: string, json: string): string {
  return JSON.stringify({ ...members, [name]: '@' }).replace('"@"', () => json)
}

export function without(members: object, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)))
}

/** What two other implementations say of a token at an instant, asked for all that they can be asked for. */
export async function verdictsOfOthers({ header, claims, key }: Mould, token: string, instant: Date) {
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
