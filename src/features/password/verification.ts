import type { Caller } from '../../kernel/caller.ts'
import type { Session } from '../../kernel/db.ts'
import type { EventDefinition } from '../../kernel/events.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { SessionService } from '../session/index.ts'
import type { Throttle, ThrottleKey } from '../throttle/index.ts'
import { mostFailures } from '../throttle/index.ts'
import { identifierKey } from '../user/index.ts'
import { attemptCounter, outcomeOf } from './counters.ts'
import type { FailureStores } from './failures.ts'
import { createFailures } from './failures.ts'
import type { StoredPassword } from './statements/find-password.ts'
import type { PasswordProof, PasswordStore } from './store.ts'

/** The user whose password is claimed: the session's, or the one with this username or address. */
interface Claim {
  readonly identifier: string
  /** The caller's session, where the endpoint demands one. */
  readonly session?: Session
  /** The event that records that the password was wrong. */
  readonly failure: EventDefinition
}

/** An item with a password that is no account yet, such as a pending registration. */
interface Pending {
  readonly passwordHash: string
}

/** Compares the password with the user's. Undefined when it is wrong, or there is no such user or a disabled one. */
type VerifyPassword = (password: string) => Promise<PasswordProof | undefined>

/**
 * The only places where a password that was sent is compared with a stored one. Each comparison is an attempt: it counts
 * as a failure before it begins, until it has succeeded.
 */
export interface PasswordVerification {
  /**
   * An attempt to prove a password. `make` verifies the password and does what the right one allows: it confirms the
   * version of the proof and clears the failures, in its own transaction or statement. Undefined when `make` returns
   * nothing, or when the throttle refuses the attempt; both take the same time, whether there is such a user or not.
   */
  attempt<Result extends object>(
    claim: Claim,
    caller: Caller,
    make: (verifyPassword: VerifyPassword) => Promise<Result | undefined>,
  ): Promise<Result | undefined>
  /** Compares with the password of the pending item of that name, if there is one, and throws `ifRight` if it is right. */
  verifyPendingPassword(
    attempt: { name: string; password: string; pending: Pending | null; ifRight: Error },
    caller: Caller,
  ): Promise<void>
  /**
   * Does what the password of one of the pending ones allows (`whenRight`), which has to clear the failures of the key in
   * its own transaction. False when the password is none of theirs, or the throttle refuses the attempt. There are `most`
   * comparisons however many there are. Failures are counted under the name.
   */
  verifyOneOfPending<One extends Pending>(
    claim: { name: string; password: string; pending: readonly One[]; most: number },
    caller: Caller,
    whenRight: (one: One, throttleKey: ThrottleKey) => Promise<void>,
  ): Promise<boolean>
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'logger' | 'meter' | 'hasher'>
  readonly work: UnitOfWork<FailureStores & { readonly passwords: PasswordStore }>
  readonly sessions: SessionService
  readonly throttle: Throttle
}

export function createPasswordVerification({ ports, work, sessions, throttle }: Needs): PasswordVerification {
  const { hasher, meter } = ports
  const { passwords } = work.stores
  const failures = createFailures({ ports, work })

  /** The trusted device that the caller shows: by a live session of the user, or by the token of an earlier login. */
  async function findTrustedDevice(
    { session }: Claim,
    stored: StoredPassword | null,
    { bearer, device }: Caller,
  ): Promise<ThrottleKey | undefined> {
    if (session) return throttle.keys.session(session.id)
    // Looked up for every claim: otherwise the response time would reveal whether the user exists.
    const live = bearer === undefined ? undefined : await sessions.findLiveByToken(bearer)
    const trusted = device === undefined ? undefined : throttle.devices.verify(device)
    if (live && live.session.userId === stored?.user.id) return throttle.keys.session(live.session.id)
    const isTheirs = trusted?.userId === stored?.user.id && trusted?.version === stored?.version
    return trusted && isTheirs ? throttle.keys.device(trusted.id) : undefined
  }

  /** Compares a password with the stored one; with none, it takes the same time. */
  async function verify(password: string, stored: StoredPassword | null, { network }: Caller) {
    const isRight = await hasher.verify(password, stored?.hash, network)
    if (!isRight || !stored || stored.user.disabledAt) return undefined
    const { user, version, hash } = stored
    if (hasher.isOutdated(hash, password)) await passwords.renew(stored, await hasher.hash(password, network))
    return { user, version }
  }

  return {
    async attempt(claim, caller, make) {
      const { identifier, session, failure: type } = claim
      // By the id where there is a session: the username may be another user's by now.
      const stored = await (session ? passwords.find(session.userId) : passwords.findByIdentifier(identifier))
      const account = throttle.keys.account(stored?.user.id, identifierKey(identifier))
      const device = await findTrustedDevice(claim, stored, caller)
      /** The first key counts the attempt; success clears the failures of all of them. */
      const attemptFor = (...throttleKeys: [ThrottleKey, ...ThrottleKey[]]) =>
        throttle.attempt(throttleKeys[0], () =>
          make(async (password) => {
            const proof = await verify(password, stored, caller)
            return proof && { ...proof, throttleKeys }
          }),
        )

      const ofDevice = device && (await attemptFor(device, account))
      // A trusted device that failed too often is not trusted any more.
      const isTrusted = ofDevice && (ofDevice.state !== 'refused' || ofDevice.failures < mostFailures)
      const outcome = isTrusted ? ofDevice : await attemptFor(account)
      meter.count(attemptCounter, outcomeOf(outcome.state, stored?.user))
      if (outcome.state === 'succeeded') return outcome.result
      if (outcome.state === 'refused') await hasher.dummyVerify(caller.network)
      await failures.follow(
        { type, account, user: stored?.user, session, outcome, isTrusted: isTrusted === true },
        caller,
      )
      await hasher.jitter()
      return undefined
    },

    async verifyPendingPassword({ name, password, pending, ifRight }, { network }) {
      const outcome = await throttle.attempt(throttle.keys.waiting(identifierKey(name)), async () => {
        // The error takes the attempt back: it was no guess, and no session opens.
        if (await hasher.verify(password, pending?.passwordHash, network)) throw ifRight
        return undefined
      })
      if (outcome.state === 'refused') await hasher.dummyVerify(network)
      await hasher.jitter()
    },

    async verifyOneOfPending({ name, password, pending, most }, { network }, whenRight) {
      const throttleKey = throttle.keys.pending(identifierKey(name))
      const places = Array.from({ length: most }, (_, index) => pending[index])
      const outcome = await throttle.attempt(throttleKey, async () => {
        const matching = []
        for (const one of places) {
          if ((await hasher.verify(password, one?.passwordHash, network)) && one) matching.push(one)
        }
        const [first] = matching
        if (!first) return undefined
        await whenRight(first, throttleKey)
        return first
      })
      if (outcome.state === 'succeeded') return true
      if (outcome.state === 'refused') for (const _place of places) await hasher.dummyVerify(network)
      await hasher.jitter()
      return false
    },
  }
}
