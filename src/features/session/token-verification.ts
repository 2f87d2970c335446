import type { Caller } from '../../kernel/caller.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { TokenSigner, TokenVerification } from '../../kernel/ports.ts'
import { sessionErrors } from './errors.ts'

/** A token that this server has signed. It may have expired. */
export type VerifiedToken = Exclude<TokenVerification, { state: 'invalid' }>

/** Verifies the access token of the caller. Throws when there is none, or this server has not signed it. */
export function verifyBearer({ bearer }: Caller, signer: TokenSigner): VerifiedToken {
  if (bearer === undefined) throw new AuthError(requestErrors.unauthenticated)
  const verification = signer.verify('access', bearer)
  if (verification.state === 'invalid') throw new AuthError(sessionErrors.token_invalid)
  return verification
}

/** Verifies a refresh token. One that has expired can still be a copy, or end its session. */
export function verifyRefreshToken(token: string, signer: TokenSigner): VerifiedToken {
  const verification = signer.verify('refresh', token)
  if (verification.state === 'invalid') throw new AuthError(sessionErrors.token_invalid)
  return verification
}
