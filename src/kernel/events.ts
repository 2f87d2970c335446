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

/** A change of somebody's security, to be kept. */
interface SecurityEvent {
  readonly type: EventType
  readonly userId?: number
  readonly sessionId?: string
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** A change that is one statement with its event. */
interface Change {
  /** The parts of a WITH clause, of which `change` is the last: the event is written if it returns a row. */
  readonly parts: Sql
  /** A query over those parts for what else the change did: the type, user_id, session_id and details of further events. */
  readonly furtherEvents?: Sql
}

/**
 * Where the audit trail is written, inside the transaction of the change that it tells of. Given a change, both are one
 * statement; the answer tells whether it happened.
 */
export type EventRecorder = (tx: Db, event: SecurityEvent, caller: Caller, change?: Change) => Promise<boolean>

const madeBefore: Change = { parts: sql`change AS (SELECT)` }

interface WrittenEvent {
  readonly type: string
  readonly user_id: number | null
  readonly session_id: string | null
  readonly details: object
}

/** Writes an event as a row and, once that row is committed, as a log line. */
export function createEventRecorder({
  afterCommit,
  clock,
  logger,
}: Pick<Database, 'afterCommit'> & { clock: Clock; logger: Logger }): EventRecorder {
  return async (tx, event, { ip, userAgent, requestId }, { parts, furtherEvents } = madeBefore) => {
    const { type, userId, sessionId, details = {} } = event
    const own = sql`SELECT ${type}::text AS type, ${userId}::integer AS user_id, ${sessionId}::uuid AS session_id,
      ${JSON.stringify(details)}::jsonb AS details FROM change`
    const events = furtherEvents ? sql`${own} UNION ALL ${furtherEvents}` : own
    const written = await tx.$queryRaw<WrittenEvent[]>`
      WITH ${parts}
      INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, details)
      SELECT type, ${clock.now()}, user_id, session_id, ${ip}, ${userAgent}, ${requestId}, details FROM (${events}) AS event
      RETURNING type, user_id, session_id, details`
    afterCommit(tx, () => {
      for (const { type: event, user_id, session_id, details: told } of written) {
        logger.info({ event, user_id, session_id, ip, request_id: requestId, ...told }, 'event')
      }
    })
    return written.length > 0
  }
}
