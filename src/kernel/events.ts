import type { Caller } from './caller.ts'
import type { Database, Db, Sql } from './db.ts'
import { sql } from './db.ts'
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
  | 'password_disabled'

/** A change of somebody's security, to be kept. */
interface SecurityEvent {
  readonly type: EventType
  readonly userId?: number
  readonly sessionId?: string
  readonly facts?: Readonly<Record<string, string | number | boolean>>
}

/**
 * Where the audit trail is written, inside the transaction of the change that it tells of. Given the change as the
 * parts of a WITH clause, of which `change` is the last, both are one statement: the event is written if `change`
 * returns a row, which the answer tells.
 */
export type EventRecorder = (tx: Db, event: SecurityEvent, caller: Caller, change?: Sql) => Promise<boolean>

const changeBefore = sql`change AS (SELECT)`

/** Writes an event as a row and, once that row is committed, as a log line. */
export function createEventRecorder({
  afterCommit,
  clock,
  logger,
}: Pick<Database, 'afterCommit'> & { clock: Clock; logger: Logger }): EventRecorder {
  return async (tx, { type, userId, sessionId, facts = {} }, { ip, userAgent, requestId }, change = changeBefore) => {
    const written = await tx.$executeRaw`
      WITH ${change}
      INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, facts)
      SELECT ${type}, ${clock.now()}, ${userId}::integer, ${sessionId}::uuid, ${ip}, ${userAgent}, ${requestId},
        ${JSON.stringify(facts)}::jsonb
      FROM change`
    if (written === 0) return false
    afterCommit(tx, () => {
      logger.info({ event: type, user_id: userId, session_id: sessionId, ip, request_id: requestId, ...facts }, 'event')
    })
    return true
  }
}
