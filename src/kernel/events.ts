import type { Caller } from './caller.ts'
import type { Database, Db } from './db.ts'
import type { Clock, Logger } from './ports.ts'

type EventType =
  | 'user_registered'
  | 'registration_started'
  | 'registration_repeated'
  | 'verification_resent'
  | 'email_verified'
  | 'profile_changed'
  | 'login_succeeded'
  | 'session_ended'
  | 'sessions_ended'
  | 'refresh_token_reused'
  | 'password_reset_requested'
  | 'password_reset'
  | 'password_changed'

/** A change of somebody's security, to be kept. */
interface SecurityEvent {
  readonly type: EventType
  readonly userId?: number
  readonly sessionId?: string
  readonly facts?: Readonly<Record<string, string | number | boolean>>
}

/** Where the audit trail is written, inside the transaction of the change that it tells of. */
export type EventRecorder = (tx: Db, event: SecurityEvent, caller: Caller) => Promise<void>

/** Writes an event as a row and, once that row is committed, as a log line. */
export function createEventRecorder({
  afterCommit,
  clock,
  logger,
}: Pick<Database, 'afterCommit'> & { clock: Clock; logger: Logger }): EventRecorder {
  return async (tx, { type, userId, sessionId, facts = {} }, { ip, userAgent, requestId }) => {
    // Many, though it is one: nothing of the row is read back.
    await tx.event.createMany({
      data: {
        type,
        at: clock.now(),
        userId: userId ?? null,
        sessionId: sessionId ?? null,
        ip,
        userAgent,
        requestId,
        facts,
      },
    })
    afterCommit(tx, () => {
      logger.info({ event: type, user_id: userId, session_id: sessionId, ip, request_id: requestId, ...facts }, 'event')
    })
  }
}
