import type { Caller } from '../../kernel/caller.ts'
import type { Db, Session, User } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, Logger } from '../../kernel/ports.ts'
import type { AttemptStore, ThrottleKey } from '../throttle/index.ts'

/** A password that was refused. */
interface Failure {
  /** What the failures of the account, or of the unknown name, are counted for. */
  readonly account: ThrottleKey
  readonly user: User | undefined
  /** The caller's, where a password was to be changed. */
  readonly session: Session | undefined
  /** The number of consecutive failures, this one included; absent where the password was not compared. */
  readonly failures?: number | undefined
  /** The same of the trusted device that it came from. */
  readonly deviceFailures?: number | undefined
}

/** What an operator learns of refused passwords. */
export interface FailureTrail {
  /**
   * Keeps a sample: of an account as events, of unknown names as a few lines of the log. It is one statement that writes to the disk
   * whoever failed, as anything else would tell by its time whether there is an account.
   */
  note(failure: Failure, caller: Caller): Promise<void>
}

/** Beside every hundredth. A success begins anew, so an account or a trusted device causes some six events for each of its logins at most. */
const sampled = [1, 5, 10, 20, 50]

function isSampled(failures: number): boolean {
  return sampled.includes(failures) || (failures > 0 && failures % 100 === 0)
}

/** Of unknown names, of which there is no end. */
const linesPerMinute = 10

export function createFailureTrail({
  db,
  clock,
  logger,
  attemptsIn,
  recordEvent,
}: {
  db: Db
  clock: Clock
  logger: Logger
  attemptsIn: (db: Db) => AttemptStore
  recordEvent: EventRecorder
}): FailureTrail {
  let minuteBegan = 0
  let lines = 0
  let leftOut = 0

  /** The beginning of the key, which is a digest: a name that was mistyped may be a password, and the whole looks like a token. */
  function logUnknown({ key }: ThrottleKey, failures: number, { ip, requestId }: Caller): void {
    const now = clock.now().getTime()
    if (now - minuteBegan >= 60_000) {
      minuteBegan = now
      lines = 0
    }
    if (lines >= linesPerMinute) {
      leftOut += 1
      return
    }
    lines += 1
    const details = {
      event: 'login_failed',
      user_id: null,
      throttle_key: key.slice(0, 21),
      ip,
      request_id: requestId,
      failures,
    }
    logger.info({ ...details, left_out: leftOut }, 'event')
    leftOut = 0
  }

  return {
    async note({ account, user, session, failures = 0, deviceFailures = 0 }, caller) {
      const isNoted = [failures, deviceFailures].some(isSampled)
      const event = {
        type: session ? 'password_change_failed' : 'login_failed',
        ...(user && { userId: user.id }),
        ...(session && { sessionId: session.id }),
        details: {
          failures,
          ...(deviceFailures > 0 && { trusted_device_failures: deviceFailures }),
          ...(user?.disabledAt && { disabled: true }),
        },
      } as const
      await recordEvent(db, event, caller, {
        parts: sql`
          written AS (${attemptsIn(db).rewrite(account)}),
          change AS (SELECT WHERE ${isNoted && user !== undefined}::boolean)`,
      })
      if (isNoted && !user) logUnknown(account, failures, caller)
    },
  }
}
