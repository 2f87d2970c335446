import type { KeyObject } from 'node:crypto'
import { createPublicKey, createSecretKey } from 'node:crypto'
import type { Algorithm, JwtPayload } from 'jsonwebtoken'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import type { DjangoTokenVerifier } from '../kernel/django.ts'
import type { Clock } from '../kernel/ports.ts'

export interface DjangoJwtSettings {
  readonly keys: readonly string[]
  readonly algorithm: 'HS256' | 'HS384' | 'HS512' | 'RS256'
  readonly userIdClaim: string
  readonly tokenTypeClaim: string
  readonly jtiClaim: string
  /** Absent: any issuer is accepted. */
  readonly issuer: string | undefined
  /** None: any audience is accepted. */
  readonly audiences: readonly string[]
}

/** How far in the future `iat` may be, as the clock of Django may be ahead. For `exp` there is no tolerance. */
const tolerableSkewSeconds = 60
const compactForm = /^([\w-]+)\.[\w-]+\.[\w-]+$/

/** Verifies tokens that Django's SimpleJWT has signed (RFC 7519, RFC 8725), with the one algorithm of the settings. */
export function createDjangoTokenVerifier(settings: DjangoJwtSettings, clock: Clock): DjangoTokenVerifier {
  const isSymmetric = settings.algorithm.startsWith('HS')
  const keys = settings.keys.map((key) => (isSymmetric ? createSecretKey(Buffer.from(key)) : createPublicKey(key)))
  const readClaims = claimsReader(settings)

  return {
    verify(kind, token) {
      if (!isOfDjango(token, settings.algorithm)) return undefined
      const nowSeconds = clock.now().getTime() / 1000
      const payload = verifiedPayload(token, keys, settings.algorithm, nowSeconds)
      const claims = readClaims(payload)
      if (claims?.kind !== kind || claims.iat > nowSeconds + tolerableSkewSeconds) return undefined
      return { ...claims.token, text: token, isExpired: claims.exp <= nowSeconds }
    },
  }
}

/** Further members, such as `kid`, are of no account; but `crit` demands that its reader understands what it names. */
const Header = z.object({ alg: z.string(), typ: z.literal('JWT').optional(), crit: z.undefined().optional() })

/** Whether the header is one that Django writes. Tokens of this server name another type, also where both have one key. */
function isOfDjango(token: string, algorithm: Algorithm): boolean {
  const [, header = ''] = compactForm.exec(token) ?? []
  const parsed = Header.safeParse(parseJson(Buffer.from(header, 'base64url').toString()))
  return parsed.success && parsed.data.alg === algorithm
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The payload of a well-signed token; undefined for any other. */
function verifiedPayload(token: string, keys: readonly KeyObject[], algorithm: Algorithm, nowSeconds: number): unknown {
  for (const key of keys) {
    try {
      const options = { algorithms: [algorithm], ignoreExpiration: true, clockTimestamp: Math.floor(nowSeconds) }
      return jwt.verify(token, key, options)
    } catch {
      // Signed with another of the keys, or not by Django.
    }
  }
  return undefined
}

/** As long as the column of Django's blacklist, and without NUL, which PostgreSQL does not take. */
const Text = z.string().regex(/^[^\0]{1,255}$/)
/** The `jti` of tokens of this server (token-signer.ts). */
const ownJti = /^[\da-f-]{36}\.\d+\.\d+\.(access|refresh)$/
/** Up to the year 9999. */
const Seconds = z.number().min(0).max(253_402_300_799)

const Claims = z.object({
  userId: z.union([z.int().nonnegative().transform(String), Text]),
  kind: z.enum(['access', 'refresh']),
  jti: Text.refine((jti) => !ownJti.test(jti)),
  exp: Seconds,
  // Old versions of SimpleJWT wrote none.
  iat: Seconds.default(0),
  iss: z.unknown(),
  aud: z.unknown(),
})

/** Reads the claims under the names that Django gives them. Further ones are of no account. */
function claimsReader({ userIdClaim, tokenTypeClaim, jtiClaim, issuer, audiences }: DjangoJwtSettings) {
  const isIssuer = (iss: unknown) => issuer === undefined || iss === issuer
  const isAudience = (aud: unknown) => audiences.length === 0 || audiences.some((name) => [aud].flat().includes(name))

  return (payload: unknown) => {
    if (typeof payload !== 'object' || payload === null) return undefined
    const { exp, iat, iss, aud, [userIdClaim]: userId, [tokenTypeClaim]: kind, [jtiClaim]: jti } = payload as JwtPayload
    const { data: claims } = Claims.safeParse({ userId, kind, jti, exp, iat, iss, aud })
    if (!claims || !isIssuer(claims.iss) || !isAudience(claims.aud)) return undefined
    return {
      kind: claims.kind,
      iat: claims.iat,
      exp: claims.exp,
      token: {
        djangoUserId: claims.userId,
        jti: claims.jti,
        issuedAt: new Date(Math.floor(claims.iat) * 1000),
        expiresAt: new Date(claims.exp * 1000),
      },
    }
  }
}
