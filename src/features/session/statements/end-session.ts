import type { Caller } from '../../../kernel/caller.ts'
import type { Db } from '../../../kernel/db.ts'
import type { WrittenEvent } from '../../../kernel/events.ts'
import { operatorDetails } from '../../../kernel/events.ts'

interface Ending {
  readonly id: string
  readonly userId: number
  readonly reason: string
  readonly now: Date
}

/**
 * Ends a session of the user and inserts the event. No rows: the session does not live, or is another user's.
 *
 * It gains: one statement in place of two, on the path of every logout. It costs: it reads the table `users` and writes
 * `events` beside its own table.
 *
 * The session is of the present epoch when the user's is not higher. `<=` and not `=`: when the statement has waited for
 * the row of the session, it sees the new epoch of that row and still the old one of the user.
 */
export function endSession(db: Db, { id, userId, reason, now }: Ending, caller: Caller): Promise<WrittenEvent[]> {
  const { ip, userAgent, requestId } = caller
  const details = { reason, ...operatorDetails(caller) }
  return db.$queryRaw<WrittenEvent[]>`
    WITH ended AS (
      UPDATE sessions SET revoked_at = ${now}, revoked_reason = ${reason}
      WHERE id = ${id}::uuid AND user_id = ${userId} AND revoked_at IS NULL AND expires_at > ${now}
        AND EXISTS (SELECT FROM users WHERE users.id = sessions.user_id AND users.session_epoch <= sessions.epoch)
      RETURNING id, user_id
    )
    INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, details)
    SELECT 'session_ended', ${now}, user_id, id, ${ip}, ${userAgent}, ${requestId}::uuid, ${JSON.stringify(details)}::jsonb
    FROM ended
    RETURNING type, user_id::float8 AS user_id, session_id, details`
}
