import type { Caller } from './caller.ts'
import type { Clock, Logger } from './ports.ts'
import type { Scope } from './unit-of-work.ts'

type EventType =
  | 'user_registered'
  | 'registration_started'
  | 'registration_repeated'
  | 'verification_resent'
  | 'email_verified'
  | 'profile_changed'
  | 'login_succeeded'
  | 'login_failed'
  | 'session_ended'
  | 'sessions_ended'
  | 'renewed_with_access_token'
  | 'refresh_token_reused'
  | 'password_reset_requested'
  | 'password_reset'
  | 'password_changed'
  | 'password_change_failed'
  | 'password_disabled'

/** A change of a user's security, to be kept. */
export interface SecurityEvent {
  readonly type: EventType
  readonly userId?: number
  readonly sessionId?: string
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** An event as its row holds it. */
export interface WrittenEvent {
  readonly type: string
  readonly user_id: number | null
  readonly session_id: string | null
  readonly details: object
}

/** The audit trail. An event is written in the transaction of the change that it tells of. */
export interface Events {
  /** Writes the event as a row and, once that row is committed, as a log line. */
  record(event: SecurityEvent, caller: Caller): Promise<void>
  /** Logs, once they are committed, events whose rows a larger statement has written. */
  log(written: readonly WrittenEvent[], caller: Caller): void
}

export function createEvents({
  db,
  afterCommit,
  clock,
  logger,
}: Pick<Scope, 'db' | 'afterCommit'> & { readonly clock: Clock; readonly logger: Logger }): Events {
  function log(written: readonly WrittenEvent[], { ip, requestId }: Caller): void {
    afterCommit(() => {
      for (const { type: event, user_id, session_id, details } of written) {
        logger.info({ event, user_id, session_id, ip, request_id: requestId, ...details }, 'event')
      }
    })
  }

  return {
    async record({ type, userId = null, sessionId = null, details = {} }, caller) {
      const { ip, userAgent, requestId } = caller
      await db.$executeRaw`
        INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, details)
        VALUES (${type}, ${clock.now()}, ${userId}, ${sessionId}::uuid, ${ip}, ${userAgent}, ${requestId},
          ${JSON.stringify(details)}::jsonb)`
      log([{ type, user_id: userId, session_id: sessionId, details }], caller)
    },
    log,
  }
}
