import type { KeyObject } from 'node:crypto'
import { createSecretKey } from 'node:crypto'
import type { VerifyOptions } from 'jsonwebtoken'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import type { Clock, TokenClaims, TokenKind, TokenSigner, TokenVerification } from '../kernel/ports.ts'
import { deriveKey } from '../kernel/secrets.ts'

type Keys = readonly [KeyObject, ...KeyObject[]]
type Texts = readonly [string, ...string[]]

const headerType: Readonly<Record<TokenKind, string>> = { access: 'at+jwt', refresh: 'rt+jwt' }
/** How far in the future `iat` may be, as the clock of the issuing instance may be ahead. For `exp` there is no tolerance. */
const tolerableSkewSeconds = 60
const longestToken = 2048
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]{43}$/

/**
 * JWTs (RFC 7519, RFC 8725) signed with HS256. Access tokens have keys of their own, which other services may know to verify them;
 * refresh tokens use keys derived from the secrets, which those services do not know and cannot derive.
 */
export function createJwtSigner({
  accessTokenKeys,
  secretKeys,
  issuers,
  audiences,
  longestLifetime,
  clock,
}: {
  /** Of access tokens: the first signs, all verify. */
  accessTokenKeys: Texts
  /** Those of refresh tokens are derived from these: the first signs, all verify. */
  secretKeys: Texts
  /** The first of each is written, all are accepted: the address of the server may change. */
  issuers: Texts
  audiences: Texts
  /** Seconds: a token that claims to live longer is not one of ours. */
  longestLifetime: Readonly<Record<TokenKind, number>>
  clock: Clock
}): TokenSigner {
  // As key objects: the library would try every text and buffer as a PEM file first, at every call.
  const keysFrom = ([first, ...others]: Texts, keyOf: (text: string) => Buffer): Keys => [
    createSecretKey(keyOf(first)),
    ...others.map((text) => createSecretKey(keyOf(text))),
  ]
  const keys: Readonly<Record<TokenKind, Keys>> = {
    access: keysFrom(accessTokenKeys, (key) => Buffer.from(key)),
    refresh: keysFrom(secretKeys, (secret) => deriveKey(secret, 'refresh token')),
  }

  return {
    sign(kind, { sub, user_id, sid, generation, iat, exp }) {
      const payload = {
        iss: issuers[0],
        aud: audiences[0],
        sub,
        user_id,
        sid,
        jti: `${sid}.${generation}.${iat}.${kind}`,
        token_type: kind,
        iat,
        exp,
      }
      return jwt.sign(payload, keys[kind][0], {
        algorithm: 'HS256',
        header: { alg: 'HS256', typ: headerType[kind] },
      })
    },
    verify(kind, token) {
      if (token.length > longestToken || !compactForm.test(token)) return { state: 'invalid' }
      const payload = hasOurHeader(token, kind) ? verifiedPayload(token, keys[kind]) : undefined
      const claims = claimsOf[kind].safeParse(payload)
      if (!claims.success || !issuers.includes(claims.data.iss) || !audiences.includes(claims.data.aud)) {
        return { state: 'invalid' }
      }
      return judge(claims.data, longestLifetime[kind], clock.now().getTime() / 1000)
    },
  }
}

/** As headers are spelled: no two members but these, in either order. That refuses crit, kid, jku, jwk and whatever comes next. */
const headersOf = (kind: TokenKind) => {
  const [alg, typ] = ['HS256', headerType[kind]]
  return [`${spell({ alg, typ })}.`, `${spell({ typ, alg })}.`]
}
const headers: Readonly<Record<TokenKind, readonly string[]>> = {
  access: headersOf('access'),
  refresh: headersOf('refresh'),
}

function hasOurHeader(token: string, kind: TokenKind): boolean {
  return headers[kind].some((header) => token.startsWith(header))
}

/** The payload of a well-signed token; undefined for any other. Instants are judged later, with our own clock. */
function verifiedPayload(token: string, keys: Keys): unknown {
  const spelled = token.slice(token.indexOf('.') + 1, token.lastIndexOf('.'))
  for (const key of keys) {
    try {
      const payload = jwt.verify(token, key, verification)
      return spell(payload) === spelled ? payload : undefined
    } catch {
      // Signed with another of the keys, or not by us.
    }
  }
  return undefined
}

/** The only accepted spelling of that content: programs read a repeated name, a space or an unused bit in different ways. */
function spell(part: object | string): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

const verification: VerifyOptions = { algorithms: ['HS256'], ignoreExpiration: true, ignoreNotBefore: true }

const seconds = z.int().nonnegative()

/** Exactly the claims that we issue. The generation stands in the jti, so both kinds have it and neither repeats. */
function exactClaims(kind: TokenKind) {
  return z.strictObject({
    iss: z.string(),
    aud: z.string(),
    sub: z.uuid(),
    user_id: z.int().positive(),
    sid: z.uuid(),
    jti: z.string().regex(new RegExp(`^[\\da-f-]{36}\\.\\d{1,9}\\.\\d{1,12}\\.${kind}$`)),
    token_type: z.literal(kind),
    iat: seconds,
    exp: seconds,
  })
}

const claimsOf = { access: exactClaims('access'), refresh: exactClaims('refresh') }

function judge(
  { sub, user_id, sid, jti, iat, exp }: z.output<ReturnType<typeof exactClaims>>,
  longestLifetime: number,
  now: number,
): TokenVerification {
  if (exp <= iat || exp - iat > longestLifetime || iat > now + tolerableSkewSeconds) return { state: 'invalid' }
  const claims: TokenClaims = { sub, user_id, sid, generation: Number(jti.split('.')[1]), iat, exp }
  return { state: now < exp ? 'valid' : 'expired', claims }
}
