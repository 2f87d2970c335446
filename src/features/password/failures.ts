import type { Caller } from '../../kernel/caller.ts'
import type { Session, User } from '../../kernel/db.ts'
import type { EventDefinition, Events } from '../../kernel/events.ts'
import type { Clock, Logger, Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { Notices } from '../mail/index.ts'
import type { AttemptStore, ThrottleKey } from '../throttle/index.ts'
import { mostFailures } from '../throttle/index.ts'
import { passwordEvents } from './events.ts'
import { untrustedDevicesRefused } from './mail-templates.ts'

/** A password that was wrong, or an attempt that the throttle refused. */
interface Failure {
  /** The counter of the account, or of the unknown name. */
  readonly account: ThrottleKey
  readonly user: User | undefined
  /** The event that records it. */
  readonly type: EventDefinition
  /** The caller's session, where the endpoint demands one. */
  readonly session: Session | undefined
  readonly outcome: {
    readonly state: 'failed' | 'refused'
    /** The number of consecutive failures, including this one. */
    readonly failures: number
    readonly closed: boolean
  }
  /** Whether the outcome is that of a trusted device, which has a counter of its own. */
  readonly isTrusted: boolean
}

/** The consequences of a failed attempt. */
export interface Failures {
  /**
   * Counts the failure of a trusted device for the account too, records a sample, and after a hundred failures refuses
   * untrusted devices. Apart from that last step every case takes the same number of statements, or the response time
   * would reveal whether there is an account.
   */
  follow(failure: Failure, caller: Caller): Promise<void>
}

export interface FailureStores {
  readonly attempts: AttemptStore
  readonly events: Events
  readonly notices: Notices
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'logger'>
  readonly work: UnitOfWork<FailureStores>
}

export function createFailures({ ports, work: { stores, transaction } }: Needs): Failures {
  const logUnknownName = createSampledLog(ports)

  /** Records the failure as an event of the account, or as a log line of an unknown name, if it is one of the sample. */
  async function record(
    { type, account, user, session }: Failure,
    { failures, deviceFailures }: { failures: number; deviceFailures: number },
    caller: Caller,
  ): Promise<void> {
    const isSampled = [failures, deviceFailures].some(isInSample)
    const event = {
      type,
      ...(user && { userId: user.id }),
      ...(session && { sessionId: session.id }),
      details: {
        failures,
        ...(deviceFailures > 0 && { trusted_device_failures: deviceFailures }),
        ...(user?.disabledAt && { disabled: true }),
      },
    }
    const isRecorded = isSampled && user !== undefined
    await stores.attempts.recordFailure({ throttleKey: account, event, isRecorded }, caller)
    if (isSampled && !user) logUnknownName(type, account, failures, caller)
  }

  /**
   * Refuses untrusted devices until a reset, and tells the user. The count alone refuses them already: when the process
   * dies before this is done, the next attempt that is refused does it.
   */
  async function refuseUntrustedDevices(account: ThrottleKey, user: User, caller: Caller): Promise<void> {
    await transaction(async ({ attempts, events, notices }) => {
      const failures = await attempts.close(account)
      if (failures === undefined) return
      await events.record({ type: passwordEvents.password_disabled, userId: user.id, details: { failures } }, caller)
      await notices.send(untrustedDevicesRefused, user, { ip: caller.ip, failures })
    })
  }

  return {
    async follow(failure, caller) {
      const { account, user, outcome, isTrusted } = failure
      const isCounted = outcome.state === 'failed'
      // The failures of a trusted device are the account's as well, and those of the account are not the device's. A
      // trusted device that has to wait changes nothing.
      const ofAccount = !isTrusted ? outcome : isCounted ? await stores.attempts.add(account) : undefined
      const counts = {
        failures: isCounted ? (ofAccount?.failures ?? 0) : 0,
        deviceFailures: isCounted && isTrusted ? outcome.failures : 0,
      }
      await record(failure, counts, caller)
      if (user && ofAccount && ofAccount.failures >= mostFailures && !ofAccount.closed) {
        await refuseUntrustedDevices(account, user, caller)
      }
    },
  }
}

/**
 * In addition to every hundredth. A success begins the count anew, so an account or a trusted device causes about six
 * events for each of its logins at most.
 */
const sampled = [1, 5, 10, 20, 50]

function isInSample(failures: number): boolean {
  return sampled.includes(failures) || (failures > 0 && failures % 100 === 0)
}

/** The number of unknown names has no limit. */
const linesPerMinute = 10

function createSampledLog({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
  let minuteBegan = 0
  let lines = 0
  let leftOut = 0

  /** Logs the beginning of the key, which is a digest: a mistyped name may be a password, and the whole looks like a token. */
  return (type: EventDefinition, { key }: ThrottleKey, failures: number, { ip, requestId, traceId }: Caller): void => {
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
      event: type.name,
      user_id: null,
      throttle_key: key.slice(0, 21),
      ip,
      request_id: requestId,
      trace_id: traceId,
      failures,
    }
    logger.info({ ...details, left_out: leftOut }, 'event')
    leftOut = 0
  }
}
