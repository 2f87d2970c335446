import type { Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import { sessionErrors } from './errors.ts'

/** Asked before a session opens, whatever the way to log in; throws what stands against it. */
export type Gate = (user: User, caller: Caller) => void

/** Where verification is required, nobody gets in whose address is not verified. */
export const verifiedEmailGate: Gate = (user, { terms }) => {
  if (terms.verificationRequired && !user.emailVerifiedAt) throw new AuthError(sessionErrors.email_not_verified)
}
