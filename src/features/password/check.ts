import type { Caller } from '../../kernel/caller.ts'
import type { Database, Db, Session, Sql, User } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, Logger, PasswordHasher } from '../../kernel/ports.ts'
import type { Notify } from '../mail/index.ts'
import type { SessionService } from '../session/index.ts'
import type { AttemptStore, Throttle, ThrottleKey, ThrottleKeys, TrustedDevices } from '../throttle/index.ts'
import { mostFailures } from '../throttle/index.ts'
import { identifierKey } from '../user/index.ts'
import { createFailureTrail } from './failures.ts'
import { untrustedDevicesRefused } from './mail-templates.ts'
import type { PasswordProof, PasswordStore, StoredPassword } from './store.ts'

/** Whose password it is said to be: of the session's user, or of whoever has the name. */
interface Claim {
  readonly identifier: string
  /** The caller's, where the endpoint asks for one. */
  readonly session?: Session
}

/** The only places where a password that somebody sent is compared with one that is stored: each attempt is counted first. */
export interface PasswordCheck {
  /**
   * Does what the right password allows, which has to confirm the proof; undefined when the password is wrong, there is
   * no such user or a disabled one, or too many failed before. All of these take the same time.
   */
  prove<Result extends object>(
    claim: Claim,
    password: string,
    caller: Caller,
    use: (proof: PasswordProof) => Promise<Result>,
  ): Promise<Result | undefined>
  /**
   * The parts of a WITH clause, of which `proof` is the last: it returns a row, and the failures are forgotten, if the
   * password that was proven still is the user's.
   */
  confirmation(proof: PasswordProof): Sql
  /** Compares with the password of what waits under that name, and throws what has to be said if it is right. */
  verifyPendingPassword(
    attempt: { name: string; password: string; waiting: { passwordHash: string } | null; ifRight: Error },
    caller: Caller,
  ): Promise<void>
  /**
   * Does what the password of one of the pending ones allows, which has to forgive the failures in its transaction; false
   * when it is none of theirs, or too many failed before. There are `most` comparisons however many there are.
   */
  provePending<Pending extends { readonly passwordHash: string }>(
    claim: { email: string; password: string; pending: readonly Pending[]; most: number },
    caller: Caller,
    use: (one: Pending, forgive: (tx: Db) => Promise<void>) => Promise<void>,
  ): Promise<boolean>
}

export function createPasswordCheck({
  db,
  transaction,
  clock,
  logger,
  hasher,
  throttle,
  throttleKeys,
  devices,
  sessions,
  passwordsIn,
  attemptsIn,
  notify,
  recordEvent,
}: Pick<Database, 'db' | 'transaction'> & {
  clock: Clock
  logger: Logger
  hasher: PasswordHasher
  throttle: Throttle
  throttleKeys: ThrottleKeys
  devices: TrustedDevices
  sessions: SessionService
  passwordsIn: (db: Db) => PasswordStore
  attemptsIn: (db: Db) => AttemptStore
  notify: Notify
  recordEvent: EventRecorder
}): PasswordCheck {
  const trail = createFailureTrail({ db, clock, logger, attemptsIn, recordEvent })

  /** The device of the user that the caller shows to be known: by a live session, or by the token of an earlier one. */
  async function findTrustedDevice(
    { session }: Claim,
    stored: StoredPassword | null,
    { bearer, device }: Caller,
  ): Promise<ThrottleKey | undefined> {
    if (session) return throttleKeys.session(session.id)
    // Looked up for whomever is claimed to call, as the time would tell.
    const live = bearer === undefined ? undefined : await sessions.findLive(bearer)
    const known = device === undefined ? undefined : devices.read(device)
    if (live && live.session.userId === stored?.user.id) return throttleKeys.session(live.session.id)
    const isTheirs = known?.userId === stored?.user.id && known?.version === stored?.version
    return known && isTheirs ? throttleKeys.device(known.id) : undefined
  }

  /**
   * Shuts unknown clients out of the account until a reset, and tells the user. The count alone refuses them already; so when the process
   * dies before this is done, the next attempt that is refused does it.
   */
  async function refuseUntrustedDevices(account: ThrottleKey, user: User, caller: Caller): Promise<void> {
    await transaction(async (tx) => {
      const failures = await attemptsIn(tx).close(account)
      if (failures === undefined) return
      await recordEvent(tx, { type: 'password_disabled', userId: user.id, details: { failures } }, caller)
      await notify(tx, untrustedDevicesRefused, user, { ip: caller.ip, failures })
    })
  }

  return {
    async prove(claim, password, caller, use) {
      const { identifier, session } = claim
      const passwords = passwordsIn(db)
      // By the id if there is one: the name may be somebody else's by now.
      const stored = await (session ? passwords.find(session.userId) : passwords.findByIdentifier(identifier))
      const account = throttleKeys.account(stored?.user.id, identifierKey(identifier))
      const attemptAs = (...counted: [ThrottleKey, ...ThrottleKey[]]) =>
        throttle.attempt(counted[0], async () => {
          const matches = await hasher.verify(password, stored?.hash, caller.network)
          if (!matches || !stored || stored.user.disabledAt) return undefined
          const renewedHash = hasher.isOutdated(stored.hash) ? await hasher.hash(password, caller.network) : undefined
          return use({ user: stored.user, version: stored.version, renewedHash, throttleKeys: counted })
        })

      const device = await findTrustedDevice(claim, stored, caller)
      const ofDevice = device && (await attemptAs(device, account))
      // A trusted device that failed too often counts as unknown.
      const isKnown = ofDevice && (ofDevice.state !== 'refused' || ofDevice.failures < mostFailures)
      const outcome = isKnown ? ofDevice : await attemptAs(account)
      if (outcome.state === 'succeeded') return outcome.result
      if (outcome.state === 'refused') await hasher.dummyVerify(caller.network)
      // The failures of a trusted device are the account's as well, and those of the account are not the device's. A known
      // device that has to wait changes nothing.
      const ofAccount = !isKnown ? outcome : outcome.state === 'failed' ? await attemptsIn(db).add(account) : undefined
      const counted = outcome.state === 'failed' && {
        failures: ofAccount?.failures,
        deviceFailures: isKnown ? outcome.failures : undefined,
      }
      await trail.note({ account, user: stored?.user, session, ...counted }, caller)
      if (stored && ofAccount && ofAccount.failures >= mostFailures && !ofAccount.closed) {
        await refuseUntrustedDevices(account, stored.user, caller)
      }
      await hasher.jitter()
      return undefined
    },

    confirmation: (proof) => sql`
      confirmed AS (${passwordsIn(db).confirmation(proof)}),
      forgiven AS (${attemptsIn(db).forgiveness(proof.throttleKeys, sql`EXISTS (SELECT FROM confirmed)`)}),
      proof AS (SELECT FROM confirmed)`,

    async verifyPendingPassword({ name, password, waiting, ifRight }, { network }) {
      const outcome = await throttle.attempt(throttleKeys.waiting(identifierKey(name)), async () => {
        // Throwing takes the attempt back: it was no guess, and no session opens.
        if (await hasher.verify(password, waiting?.passwordHash, network)) throw ifRight
        return undefined
      })
      if (outcome.state === 'refused') await hasher.dummyVerify(network)
      await hasher.jitter()
    },

    async provePending({ email, password, pending, most }, { network }, use) {
      const throttleKey = throttleKeys.pending(identifierKey(email))
      const places = Array.from({ length: most }, (_, index) => pending[index])
      const outcome = await throttle.attempt(throttleKey, async () => {
        const matching = []
        for (const one of places) {
          if ((await hasher.verify(password, one?.passwordHash, network)) && one) matching.push(one)
        }
        const [first] = matching
        if (!first) return undefined
        await use(first, (tx) => attemptsIn(tx).forgive([throttleKey]))
        return first
      })
      if (outcome.state === 'succeeded') return true
      if (outcome.state === 'refused') for (const _place of places) await hasher.dummyVerify(network)
      await hasher.jitter()
      return false
    },
  }
}
