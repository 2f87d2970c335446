import type { Session, User } from './db.ts'

/** Who is calling and from where. */
export interface Caller {
  readonly requestId: string
  readonly ip: string
  readonly userAgent: string
  /** The token of the Authorization header as it came, not yet believed. */
  readonly bearer: string | undefined
}

/** A caller who showed a live access token: the session and the user as they are at this request. */
export interface AuthenticatedCaller extends Caller {
  readonly session: Session
  readonly user: User
}
