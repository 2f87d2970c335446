/** Events that an act writes, with the act's id as their user agent. */
export const eventsOfActs = {
  register: ['user_registered', 'login_succeeded'],
  verify: ['email_verified'],
  logIn: ['login_succeeded'],
  refresh: [],
  logOut: ['session_ended'],
  editProfile: ['profile_changed'],
  changePassword: ['password_changed', 'sessions_ended'],
  askForReset: ['password_reset_requested'],
  reset: ['password_reset', 'sessions_ended'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type ActKind = keyof typeof eventsOfActs

export interface Act {
  /** Sent as the user agent, which rows keep. */
  readonly id: string
  readonly kind: ActKind
  /** `unknown`: no answer came, or one that says that the server could not tell. */
  outcome: 'acknowledged' | 'unknown'
}

export interface KnownSession {
  access: string
  refresh: string
  isLive: boolean
}

/** What one user of the server has been told. */
export interface Ledger {
  readonly username: string
  readonly email: string
  password: string
  firstName: string
  isVerified: boolean
  isResetAsked: boolean
  readonly sessions: KnownSession[]
  readonly acts: Act[]
  /** What the last act, whose outcome is unknown, does to the ledger if it was carried out. */
  pending: (() => void) | undefined
}
