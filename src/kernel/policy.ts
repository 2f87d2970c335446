/** The published surfaces, as settings and logs call them. */
export const contractNames = ['v1', 'rest-auth', 'simple-jwt', 'drf', 'dj-rest-auth', 'djoser'] as const
export type ContractName = (typeof contractNames)[number]

/** How long tokens and sessions live, in seconds. */
interface Lifetimes {
  readonly accessLifetime: number
  readonly refreshLifetime: number
  readonly sessionLifetime: number
}

/** Where the links in mails lead. Every part of an address but the token comes from settings and contracts, nothing from a request. */
export interface Links {
  verifyEmail(token: string): string
  resetPassword(token: string, userId: number): string
}

/** The policy of the contract of a request. */
export interface ContractPolicy {
  readonly contract: ContractName
  /** Whether users need a verified address. */
  readonly verificationRequired: boolean
  /** Whether the links that it mails complete a registration by themselves, without its password. */
  readonly linkCompletesRegistration: boolean
  /** Of the sessions that are opened through it. */
  readonly lifetimes: Lifetimes
  readonly links: Links
}
