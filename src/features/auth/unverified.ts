import type { Registration, User } from '../../kernel/db.ts'

export type VerificationPurpose = 'verify_email' | 'verify_registration'

/** What can be verified with a new token, and what the audit trail says of it. */
export interface Unverified {
  readonly purpose: VerificationPurpose
  readonly subject: string
  readonly at: Date
  readonly event: { readonly userId: number } | { readonly facts: { readonly registration: string } }
}

export function unverifiedIn({ id, emailVerifiedAt, disabledAt, joinedAt }: User): Unverified[] {
  if (emailVerifiedAt || disabledAt) return []
  return [{ purpose: 'verify_email', subject: String(id), at: joinedAt, event: { userId: id } }]
}

export function waitingAs({ id, createdAt }: Pick<Registration, 'id' | 'createdAt'>): Unverified {
  return { purpose: 'verify_registration', subject: id, at: createdAt, event: { facts: { registration: id } } }
}
