import type { Session, User } from './db.ts'
import type { ContractPolicy } from './policy.ts'

/** The caller of a request, its address, and the policy of its contract. */
export interface Caller {
  readonly requestId: string
  /** Of the trace that the request belongs to, if it belongs to one. */
  readonly traceId?: string | undefined
  readonly ip: string
  /** The network that stands for the caller wherever something is limited per client. */
  readonly network: string
  readonly userAgent: string
  /** The token of the Authorization header as it came, not yet verified. */
  readonly bearer: string | undefined
  /** The token by which a client claims to be a trusted device, not yet verified. */
  readonly device: string | undefined
  readonly policy: ContractPolicy
  /** The name of the operator, where the caller is a command on the machine of the server and not a request. */
  readonly operator?: string
}

/** A caller who may read: the user as they are at this request. */
export interface ReadingCaller extends Caller {
  readonly user: User
  /** Undefined with an access token of Django. */
  readonly session: Session | undefined
}

/** A caller who showed a live access token of this server: the session and the user as they are at this request. */
export interface AuthenticatedCaller extends ReadingCaller {
  readonly session: Session
  /** The generation of the access token that was shown. */
  readonly generation: number
}
