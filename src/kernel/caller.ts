import type { Session, User } from './db.ts'
import type { ContractPolicy } from './policy.ts'

/** The caller of a request, its address, and the policy of its contract. */
export interface Caller {
  readonly requestId: string
  readonly ip: string
  /** The network that stands for the caller wherever something is limited per client. */
  readonly network: string
  readonly userAgent: string
  /** The token of the Authorization header as it came, not yet verified. */
  readonly bearer: string | undefined
  /** The token by which a client claims to be a trusted device, not yet verified. */
  readonly device: string | undefined
  readonly policy: ContractPolicy
}

/** A caller who showed a live access token: the session and the user as they are at this request. */
export interface AuthenticatedCaller extends Caller {
  readonly session: Session
  readonly user: User
  /** The generation of the access token that was shown. */
  readonly generation: number
}
