import type { Session, User } from '../../kernel/db.ts'
import type { TokenSigner } from '../../kernel/ports.ts'
import type { TokenPair } from './schemas.ts'

/** The tokens that are the image of the session as it is: the same row gives the same bytes, so nothing is stored. */
export function pairOf(session: Session, user: Pick<User, 'uuid'>, signer: TokenSigner): TokenPair {
  const iat = wholeSeconds(session.rotatedAt)
  const refreshExp = wholeSeconds(session.expiresAt)
  const accessExp = Math.min(iat + session.accessLifetime, wholeSeconds(session.endsAt))
  const claims = { sub: user.uuid, user_id: session.userId, sid: session.id, generation: session.generation, iat }
  return {
    access_token: signer.sign('access', { ...claims, exp: accessExp }),
    refresh_token: signer.sign('refresh', { ...claims, exp: refreshExp }),
    token_type: 'bearer',
    expires_in: accessExp - iat,
    refresh_expires_in: refreshExp - iat,
  }
}

function wholeSeconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000)
}
