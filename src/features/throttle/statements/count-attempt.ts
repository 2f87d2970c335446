import type { Db } from '../../../kernel/db.ts'
import { sql } from '../../../kernel/db.ts'
import type { ThrottleKey } from '../keys.ts'
import { keptUntil } from '../keys.ts'

/** The state of a key after an attempt. */
export interface FailureCount {
  /** The number of consecutive failures. */
  readonly failures: number
  /** Whether the key was closed by too many of them. */
  readonly closed: boolean
}

/** An attempt that may be made and is counted as a failure unless it succeeds; or one that is refused. */
export type CountedAttempt = FailureCount &
  ({ readonly state: 'counted'; readonly at: Date } | { readonly state: 'refused' })

interface NewAttempt extends ThrottleKey {
  readonly at: Date
  /** Whether it is counted only if an attempt may be made now. */
  readonly isGuarded: boolean
}

/** After so many consecutive failures no further attempt is made (NIST SP 800-63B, section 3.2.2). */
export const mostFailures = 100

const freeFailures = 5
const firstWaitSeconds = 5
const longestWaitSeconds = 900
/** More than the longest wait takes, and few enough for a number of PostgreSQL. */
const mostDoublings = 10

/**
 * Counts one more failure of the key, or refuses the attempt. The row of a refused one is written unchanged: a write has to reach the
 * disk, and without one the response time would reveal that the key is blocked.
 *
 * It gains: a login writes less, as it clears the failures of the user by the number of logins, which is in a row that it writes
 * anyway. Failures that were counted before the newest login are over. A count that has not seen this login yet keeps them. It costs: it
 * reads the table `users` beside its own.
 */
export async function countAttempt(db: Db, attempt: NewAttempt): Promise<CountedAttempt> {
  const { key, userId = null, at, isGuarded } = attempt
  const standing = sql`CASE WHEN closed_at IS NULL AND logins < (SELECT logins FROM account) THEN 0 ELSE failures END`
  // No wait after fewer than five failures, then 5, 10, 20 … 640 s, and from there on a quarter of an hour. All hundred attempts
  // take at least 22 hours, and a user who has merely mistyped waits for seconds. Free attempts are allowed without a look at the
  // time: of two parallel ones, the earlier may be counted later. An upsert would write a lock of the row to the log as well.
  const [row] = await db.$queryRaw<({ isCounted: boolean } & FailureCount)[]>`
    WITH account AS (SELECT logins FROM users WHERE id = ${userId}),
    counted AS (
      UPDATE password_attempts SET
        failures = ${standing} + 1,
        logins = GREATEST(logins, (SELECT logins FROM account)),
        blocked_until = CASE WHEN ${standing} + 1 < ${freeFailures}::integer THEN LEAST(blocked_until, ${at})
          ELSE GREATEST(blocked_until, ${at}::timestamptz + interval '1 second' * LEAST(
            ${longestWaitSeconds}::integer,
            ${firstWaitSeconds}::integer * power(2, LEAST(${mostDoublings}::integer, failures + 1 - ${freeFailures}::integer))))
        END,
        kept_until = ${keptUntil(attempt, at)}
      WHERE throttle_key = ${key} AND (NOT ${isGuarded}::boolean OR ${standing} < ${freeFailures}::integer
        OR blocked_until <= ${at} AND failures < ${mostFailures}::integer)
      RETURNING failures, closed_at
    ),
    refused AS (
      UPDATE password_attempts SET failures = failures WHERE throttle_key = ${key} AND NOT EXISTS (SELECT FROM counted)
      RETURNING failures, closed_at
    ),
    begun AS (
      INSERT INTO password_attempts (throttle_key, failures, logins, blocked_until, kept_until)
      SELECT ${key}, 1, COALESCE((SELECT logins FROM account), 0), ${at}, ${keptUntil(attempt, at)}
      WHERE NOT EXISTS (SELECT FROM counted) AND NOT EXISTS (SELECT FROM refused)
      ON CONFLICT DO NOTHING
      RETURNING failures
    )
    SELECT TRUE AS "isCounted", failures, closed_at IS NOT NULL AS closed FROM counted
    UNION ALL SELECT FALSE, failures, closed_at IS NOT NULL FROM refused
    UNION ALL SELECT TRUE, failures, FALSE FROM begun`
  // Another transaction has inserted the row meanwhile.
  if (!row) return countAttempt(db, attempt)
  const { isCounted, failures, closed } = row
  return isCounted ? { state: 'counted', failures, closed, at } : { state: 'refused', failures, closed }
}
