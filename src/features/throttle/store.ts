import type { Caller } from '../../kernel/caller.ts'
import type { Db } from '../../kernel/db.ts'
import { deleteSome, sql } from '../../kernel/db.ts'
import type { Events, SecurityEvent } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { ThrottleKey } from './keys.ts'
import { keptUntil } from './keys.ts'
import { recordFailure } from './statements/record-failure.ts'

/** The state of a key after an attempt. */
export interface FailureCount {
  /** The number of consecutive failures. */
  readonly failures: number
  /** Whether the key was closed by too many of them. */
  readonly closed: boolean
}

/** An attempt that may be made and is counted as a failure unless it succeeds; or one that is refused. */
type CountedAttempt = FailureCount & ({ readonly state: 'counted'; readonly at: Date } | { readonly state: 'refused' })

/** The table of consecutive wrong passwords. */
export interface AttemptStore {
  /** Counts an attempt as a failure before it is made, unless none may be made now. Of many at once, each gets its own number. */
  count(throttleKey: ThrottleKey): Promise<CountedAttempt>
  /** Takes an attempt back that neither failed nor succeeded. */
  takeBack(throttleKey: ThrottleKey, attempt: { readonly failures: number; readonly at: Date }): Promise<void>
  /** Writes the row of the key as it is and, if it is to be recorded, the event: one statement either way. */
  recordFailure(
    failure: { readonly throttleKey: ThrottleKey; readonly event: SecurityEvent; readonly isRecorded: boolean },
    caller: Caller,
  ): Promise<void>
  /** Counts a failure whose attempt another key has counted. */
  add(throttleKey: ThrottleKey): Promise<FailureCount>
  /**
   * Closes a key that has failed too often, until it is reopened, and says how often it failed; undefined when it has not,
   * or is closed already.
   */
  close(throttleKey: ThrottleKey): Promise<number | undefined>
  /** Clears the failures of the keys that are not closed. Opening a session does the same (open-session.ts). */
  clearFailures(throttleKeys: readonly ThrottleKey[]): Promise<void>
  /** Clears the failures of the key, closed or not. */
  reopen(throttleKey: ThrottleKey): Promise<void>
  /** Deletes some of the rows that are kept no longer; says how many. */
  deleteExpired(): Promise<number>
}

/** After so many consecutive failures no further attempt is made (NIST SP 800-63B, section 3.2.2). */
export const mostFailures = 100

const freeFailures = 5
const firstWaitSeconds = 5
const longestWaitSeconds = 900
/** More than the longest wait takes, and few enough for a number of PostgreSQL. */
const mostDoublings = 10

interface Needs {
  readonly db: Db
  readonly clock: Clock
  readonly events: Events
}

export function createAttemptStore({ db, clock, events }: Needs): AttemptStore {
  /**
   * Counts one more failure of the key. Guarded: only if an attempt may be made now. Otherwise its row is written unchanged: a
   * write has to reach the disk, and without one the response time would reveal that the key is blocked.
   */
  async function countUp(throttleKey: ThrottleKey, { isGuarded }: { isGuarded: boolean }): Promise<CountedAttempt> {
    const at = clock.now()
    // No wait after fewer than five failures, then 5, 10, 20 … 640 s, and from there on a quarter of an hour. All hundred attempts
    // take at least 22 hours, and a user who has merely mistyped waits for seconds. Free attempts are allowed without a look at the
    // time: of two parallel ones, the earlier may be counted later.
    const [row] = await db.$queryRaw<({ isCounted: boolean } & FailureCount)[]>`
      WITH counted AS (
        INSERT INTO password_attempts AS known (throttle_key, failures, blocked_until, kept_until)
        VALUES (${throttleKey.key}, 1, ${at}, ${keptUntil(throttleKey, at)})
        ON CONFLICT (throttle_key) DO UPDATE SET
          failures = known.failures + 1,
          blocked_until = GREATEST(known.blocked_until, ${at}::timestamptz + interval '1 second' * CASE
            WHEN known.failures + 1 < ${freeFailures}::integer THEN 0
            ELSE LEAST(
              ${longestWaitSeconds}::integer,
              ${firstWaitSeconds}::integer * power(2, LEAST(${mostDoublings}::integer, known.failures + 1 - ${freeFailures}::integer)))
          END),
          kept_until = EXCLUDED.kept_until
        WHERE NOT ${isGuarded}::boolean OR known.failures < ${freeFailures}::integer
          OR known.blocked_until <= ${at} AND known.failures < ${mostFailures}::integer
        RETURNING failures, closed_at
      ),
      refused AS (
        UPDATE password_attempts SET failures = failures WHERE throttle_key = ${throttleKey.key} AND NOT EXISTS (SELECT FROM counted)
        RETURNING failures, closed_at
      )
      SELECT TRUE AS "isCounted", failures, closed_at IS NOT NULL AS closed FROM counted
      UNION ALL SELECT FALSE, failures, closed_at IS NOT NULL FROM refused`
    // There is no row when another transaction has written it meanwhile.
    const { isCounted = false, failures = 0, closed = false } = row ?? {}
    return isCounted ? { state: 'counted', failures, closed, at } : { state: 'refused', failures, closed }
  }

  return {
    count: (throttleKey) => countUp(throttleKey, { isGuarded: true }),

    async takeBack(throttleKey, { failures, at }) {
      await db.$executeRaw`
        UPDATE password_attempts SET
          failures = failures - 1,
          blocked_until = CASE WHEN failures = ${failures}::integer THEN ${at} ELSE blocked_until END
        WHERE throttle_key = ${throttleKey.key} AND failures > 0`
    },

    async recordFailure({ throttleKey: { key }, event, isRecorded }, caller) {
      const written = await recordFailure(db, { key, event, isRecorded, now: clock.now() }, caller)
      events.log(written, caller)
    },

    add: (throttleKey) => countUp(throttleKey, { isGuarded: false }),

    async close(throttleKey) {
      const [closed] = await db.$queryRaw<{ failures: number }[]>`
        UPDATE password_attempts SET closed_at = ${clock.now()}
        WHERE throttle_key = ${throttleKey.key} AND failures >= ${mostFailures}::integer AND closed_at IS NULL RETURNING failures`
      return closed?.failures
    },

    async clearFailures(throttleKeys) {
      const keys = throttleKeys.map(({ key }) => key)
      await db.passwordAttempts.updateMany({
        where: { throttleKey: { in: keys }, closedAt: null },
        data: { failures: 0, blockedUntil: clock.now() },
      })
    },

    async reopen({ key }) {
      await db.passwordAttempts.deleteMany({ where: { throttleKey: key } })
    },

    deleteExpired: () => deleteSome(db, sql`password_attempts`, sql`kept_until < ${clock.now()}`),
  }
}
