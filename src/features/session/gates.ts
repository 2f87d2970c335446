import type { Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import { sessionErrors } from './errors.ts'

/**
 * Asked before a session is opened, used, renewed or introspected, by the passwordPolicy of the contract that the request came through; throws
 * what stands against it. The session itself stays, and works again once nothing does. Logging out asks no gate.
 */
export type Gate = (user: User, caller: Pick<Caller, 'policy'>) => void

/** One gate that asks all of these in turn. */
export function allOf(gates: readonly Gate[]): Gate {
  return (user, caller) => {
    for (const gate of gates) gate(user, caller)
  }
}

/** Whether the gate lets the user through. */
export function passes(gate: Gate, user: User, caller: Pick<Caller, 'policy'>): boolean {
  try {
    gate(user, caller)
    return true
  } catch (error) {
    if (error instanceof AuthError) return false
    throw error
  }
}

/** Where verification is required, a user gets in only with a verified address. */
export const verifiedEmailGate: Gate = (user, { policy }) => {
  if (policy.verificationRequired && !user.emailVerifiedAt) throw new AuthError(sessionErrors.email_not_verified)
}
