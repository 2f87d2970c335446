import type { SessionOfUser } from './store.ts'

/** What a refresh token is answered with: a pair that takes its place, or an access token alone. */
export type Follows = 'pair' | 'access'

/** A refresh token of ours or of Django, by what it stands for. It may have expired: it can still be a copy. */
export interface PresentedToken {
  readonly state: 'valid' | 'expired'
  readonly sid: string
  /** The generation of the session's tokens that it counts as. */
  readonly generation: number
  /** Whether the session could have such a token. */
  readonly matches: (session: SessionOfUser) => boolean
  /** The session, where one was just opened for the token. */
  readonly opened?: SessionOfUser
}
