import type { Caller } from '../../../kernel/caller.ts'
import type { Db } from '../../../kernel/db.ts'
import type { SecurityEvent, WrittenEvent } from '../../../kernel/events.ts'

interface Failure {
  /** The key whose row is written as it is. */
  readonly key: string
  readonly event: SecurityEvent
  /** Whether the event is inserted. */
  readonly isRecorded: boolean
  readonly now: Date
}

/**
 * Writes the row of a throttle key as it is, and inserts the event if it is one to be recorded.
 *
 * It gains: a failure costs one statement that reaches the disk, whether there is an account or not and whether the event
 * is recorded or not; with two statements the response time would tell which. It costs: it writes the table `events`
 * beside its own.
 */
export function recordFailure(
  db: Db,
  { key, event, isRecorded, now }: Failure,
  { ip, userAgent, requestId }: Caller,
): Promise<WrittenEvent[]> {
  const { type, userId = null, sessionId = null, details = {} } = event
  return db.$queryRaw<WrittenEvent[]>`
    WITH written AS (
      UPDATE password_attempts SET failures = failures WHERE throttle_key = ${key}
    )
    INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, details)
    SELECT ${type.name}, ${now}, ${userId ?? 0}::bigint, ${sessionId}::uuid, ${ip}, ${userAgent}, ${requestId}::uuid,
      ${JSON.stringify(details)}::jsonb
    WHERE ${isRecorded}::boolean
    RETURNING type, user_id::float8 AS user_id, session_id, details`
}
