import type { Caller } from '../../kernel/caller.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { TokenSigner, TokenVerification } from '../../kernel/ports.ts'
import type { DjangoSwap } from './django-swap.ts'
import { sessionErrors } from './errors.ts'
import type { Follows, PresentedToken } from './presented-token.ts'
import { matchesSession } from './state.ts'
import type { SessionOfUser } from './store.ts'

/** A token that this server has signed. It may have expired. */
type VerifiedToken = Exclude<TokenVerification, { state: 'invalid' }>

/** Verifies the access token of the caller. Throws when there is none, or this server has not signed it. */
export function verifyBearer({ bearer }: Caller, signer: TokenSigner): VerifiedToken {
  if (bearer === undefined) throw new AuthError(requestErrors.unauthenticated)
  const verification = signer.verify('access', bearer)
  if (verification.state === 'invalid') throw new AuthError(sessionErrors.token_invalid)
  return verification
}

/**
 * Reads a refresh token. One of Django opens a session when it is presented first; `follows` tells what it is answered with. Throws
 * when it is none, or stands for no session.
 */
export type PresentToken = (token: string, follows: Follows, caller: Caller) => Promise<PresentedToken>

interface Needs {
  readonly signer: TokenSigner
  /** Absent: no token of Django is accepted. */
  readonly djangoSwap: DjangoSwap | undefined
}

export function createTokenPresentation({ signer, djangoSwap }: Needs): PresentToken {
  return async (token, follows, caller) => {
    const verification = signer.verify('refresh', token)
    if (verification.state !== 'invalid') {
      const { state, claims } = verification
      const matches = (session: SessionOfUser) => matchesSession(claims, 'refresh', session)
      return { state, sid: claims.sid, generation: claims.generation, matches }
    }
    const presented = await djangoSwap?.present(token, follows, caller)
    if (!presented) throw new AuthError(sessionErrors.token_invalid)
    return presented
  }
}
