import type { Caller } from '../../kernel/caller.ts'
import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import type { Db } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Events, SecurityEvent } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { ThrottleKey } from './keys.ts'
import { closeAccount } from './statements/close-account.ts'
import type { CountedAttempt, FailureCount } from './statements/count-attempt.ts'
import { countAttempt } from './statements/count-attempt.ts'
import { recordFailure } from './statements/record-failure.ts'

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
  /** Clears the failures of the keys that are not closed. A login does the same (open-session.ts, count-attempt.ts). */
  clearFailures(throttleKeys: readonly ThrottleKey[]): Promise<void>
  /** Clears the failures of the key, closed or not. */
  reopen(throttleKey: ThrottleKey): Promise<void>
  /** Deletes some of the rows that are kept no longer; says how many. */
  deleteExpired(run: CleanUpRun): Promise<number>
}

interface Needs {
  readonly db: Db
  readonly clock: Clock
  readonly events: Events
}

export function createAttemptStore({ db, clock, events }: Needs): AttemptStore {
  const countUp = (throttleKey: ThrottleKey, { isGuarded }: { isGuarded: boolean }) =>
    countAttempt(db, { ...throttleKey, at: clock.now(), isGuarded })

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

    close: (throttleKey) => closeAccount(db, throttleKey, clock.now()),

    async clearFailures(throttleKeys) {
      const keys = throttleKeys.map(({ key }) => key)
      await db.passwordAttempts.updateMany({
        where: { throttleKey: { in: keys }, closedAt: null },
        data: { failures: 0 },
      })
    },

    async reopen({ key }) {
      await db.passwordAttempts.deleteMany({ where: { throttleKey: key } })
    },

    deleteExpired: (run) =>
      deleteDue(db, { ...run, table: sql`password_attempts`, by: sql`kept_until`, before: clock.now() }),
  }
}
