import type { Caller } from '../../kernel/caller.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { TokenSigner, TokenVerification } from '../../kernel/ports.ts'
import { sessionErrors } from './errors.ts'

/** What a token of ours says, which may have expired. */
export type VerifiedToken = Exclude<TokenVerification, { state: 'invalid' }>

/** What the access token says that the caller shows. Throws when it is none of ours. */
export function verifyBearer({ bearer }: Caller, signer: TokenSigner): VerifiedToken {
  if (bearer === undefined) throw new AuthError(requestErrors.unauthenticated)
  const reading = signer.verify('access', bearer)
  if (reading.state === 'invalid') throw new AuthError(sessionErrors.token_invalid)
  return reading
}

/** What a refresh token of ours says. One that has expired can still be a copy, or be logged out. */
export function verifyRefreshToken(token: string, signer: TokenSigner): VerifiedToken {
  const reading = signer.verify('refresh', token)
  if (reading.state === 'invalid') throw new AuthError(sessionErrors.token_invalid)
  return reading
}
