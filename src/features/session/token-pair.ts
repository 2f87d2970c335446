import type { Session, User } from '../../kernel/db.ts'
import type { TokenSigner } from '../../kernel/ports.ts'
import type { TokenPair } from './schemas.ts'

/**
 * The tokens of the session in its current state: the same row gives the same bytes, so no token is stored. With
 * `issuedAt` the access token is issued later than the refresh token.
 */
export function tokenPair(
  session: Session,
  user: Pick<User, 'uuid'>,
  signer: TokenSigner,
  issuedAt = session.rotatedAt,
): TokenPair {
  const iat = wholeSeconds(issuedAt)
  const exp = wholeSeconds(session.expiresAt)
  return {
    access_token: accessTokenOf(session, user, signer, issuedAt),
    refresh_token: signer.sign('refresh', { ...identityOf(session, user), iat: wholeSeconds(session.rotatedAt), exp }),
    token_type: 'bearer',
    expires_in: accessEnd(session, iat) - iat,
    refresh_expires_in: exp - iat,
  }
}

/** An access token of the session as issued at that instant. */
export function accessTokenOf(session: Session, user: Pick<User, 'uuid'>, signer: TokenSigner, issuedAt: Date): string {
  const iat = wholeSeconds(issuedAt)
  return signer.sign('access', { ...identityOf(session, user), iat, exp: accessEnd(session, iat) })
}

/** The cookie for the refresh token of an answer. */
export function refreshCookie({ refresh_token, refresh_expires_in }: TokenPair) {
  return { value: refresh_token, lifetime: refresh_expires_in }
}

function identityOf(session: Session, user: Pick<User, 'uuid'>) {
  return { sub: user.uuid, user_id: session.userId, sid: session.id, generation: session.generation }
}

function accessEnd(session: Session, iat: number): number {
  return Math.min(iat + session.accessLifetime, wholeSeconds(session.endsAt))
}

function wholeSeconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000)
}
