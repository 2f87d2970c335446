import type { Caller } from '../../../kernel/caller.ts'
import type { Db, Session } from '../../../kernel/db.ts'
import type { WrittenEvent } from '../../../kernel/events.ts'

interface Swap {
  readonly session: Session
  readonly tokenIssuedAt: Date
  /** Whether the token goes on as the refresh token of the session. */
  readonly stays: boolean
  /** How many sessions of a user may live at once. */
  readonly sessionsPerUser: number
}

/**
 * Opens a session for a refresh token of Django: inserts it, ends the sessions idle for longest beyond the limit, and inserts
 * the events. No rows: the user is gone or disabled, or all sessions were ended since the token was issued.
 *
 * The user stays locked until the end, so no session slips past a change of the password, a reset or a logout everywhere that runs at
 * the same time.
 *
 * It gains: one statement that reads the row of the user as it is once it is locked. It costs: it touches the tables of three owners
 * (user, session, events).
 */
export function openDjangoSession(
  db: Db,
  { session, tokenIssuedAt, stays, sessionsPerUser }: Swap,
  { ip, userAgent, requestId }: Caller,
): Promise<WrittenEvent[]> {
  const {
    id,
    userId,
    unseen,
    authenticated,
    accessLifetime,
    refreshLifetime,
    createdAt: now,
    expiresAt,
    endsAt,
  } = session
  return db.$queryRaw<WrittenEvent[]>`
    WITH owner AS (
      SELECT id, session_epoch FROM users
      WHERE id = ${userId} AND disabled_at IS NULL AND (epoch_began_at IS NULL OR epoch_began_at < ${tokenIssuedAt})
      FOR NO KEY UPDATE
    ),
    opened AS (
      INSERT INTO sessions (id, user_id, unseen, authenticated, access_lifetime, refresh_lifetime, created_at, expires_at,
        ends_at, ip, user_agent, epoch)
      SELECT ${id}::uuid, owner.id, ${unseen}, ${authenticated}, ${accessLifetime}, ${refreshLifetime}, ${now}, ${expiresAt},
        ${endsAt}, ${ip}, ${userAgent}, owner.session_epoch
      FROM owner
      RETURNING id, user_id, epoch
    ),
    event AS (
      SELECT 'django_token_swapped' AS type, user_id, id AS session_id, ${JSON.stringify({ stays })}::jsonb AS details FROM opened
      UNION ALL
      SELECT 'session_ended', user_id, displaced, '{"reason": "displaced"}'::jsonb
      FROM opened, end_idlest_sessions(user_id, epoch, id, ${sessionsPerUser - 1}::integer, ${now}, 'displaced') AS displaced
    )
    INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, details)
    SELECT type, ${now}, user_id, session_id, ${ip}, ${userAgent}, ${requestId}::uuid, details FROM event
    RETURNING type, user_id::float8 AS user_id, session_id, details`
}
