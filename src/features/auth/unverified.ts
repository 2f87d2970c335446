import type { Registration, User } from '../../kernel/db.ts'
import type { ContractPolicy } from '../../kernel/policy.ts'

/** The purpose of a mailed verification token: an account; a registration, by itself; or one that also takes a password. */
export const verificationPurposes = ['verify_email', 'verify_registration', 'complete_registration'] as const
export type VerificationPurpose = (typeof verificationPurposes)[number]

/** An account or a registration that a new token can verify, and its entry in the audit trail. */
export interface Unverified {
  readonly purpose: VerificationPurpose
  readonly targetId: string
  readonly at: Date
  readonly event: { readonly userId: number } | { readonly details: { readonly registration: string } }
}

/** The part of a user that a new link can verify. */
export function unverifiedIn({ id, emailVerifiedAt, disabledAt, joinedAt }: User): Unverified | undefined {
  if (emailVerifiedAt || disabledAt) return undefined
  return { purpose: 'verify_email', targetId: String(id), at: joinedAt, event: { userId: id } }
}

/** A pending registration as an item that a link of this contract can verify. */
export function pendingAs(
  { id, createdAt }: Pick<Registration, 'id' | 'createdAt'>,
  { linkCompletesRegistration }: ContractPolicy,
): Unverified {
  const purpose = linkCompletesRegistration ? 'verify_registration' : 'complete_registration'
  return { purpose, targetId: id, at: createdAt, event: { details: { registration: id } } }
}
