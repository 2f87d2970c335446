import type { Caller } from '../../kernel/caller.ts'
import type { Registration } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { IssuedMailToken, MailTokens } from '../mail/index.ts'
import type { Passwords } from '../password/index.ts'
import type { AttemptStore, ThrottleKey } from '../throttle/index.ts'
import { refuseForeignAddress, userEvents } from '../user/index.ts'
import { authErrors } from './errors.ts'
import type { NewUserStores } from './new-user.ts'
import { createUser } from './new-user.ts'
import type { RegistrationStore } from './store.ts'
import { mostPending } from './store.ts'
import { verificationPurposes } from './unverified.ts'

interface Verification {
  readonly token: string
  /** The password of one of the pending registrations of the address. */
  readonly password?: string | undefined
  /** A new password in its place, for the newest pending registration. */
  readonly newPassword?: string | undefined
  /** Instead of the registered username. */
  readonly username?: string | undefined
}

/** The choices with which a registration is completed, in place of its own username and password. */
interface Completion {
  readonly username?: string | undefined
  readonly newHash?: string
  /** The counter of wrong passwords that the right one clears, in the same transaction. */
  readonly throttleKey?: ThrottleKey
}

/** From a mailed token to a verified address. A spent token changes nothing. */
export interface VerificationService {
  /**
   * Verifies the address of an account, or completes a registration. As any client can register any address, the token
   * proves the mailbox only, and the password selects the registration. Throws what is wrong with token, password or
   * username; the token is not spent then.
   */
  verify(verification: Verification, caller: Caller): Promise<void>
  /** The same with the token alone, which has to be of a link that completes the registration that it was mailed for. */
  verifyByLink(token: string, caller: Caller): Promise<void>
}

export interface VerificationStores extends NewUserStores {
  readonly registrations: RegistrationStore
  readonly mailTokens: MailTokens
  readonly attempts: AttemptStore
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'hasher'>
  readonly work: UnitOfWork<VerificationStores>
  readonly passwords: Passwords
}

export function createVerification({ ports, work, passwords }: Needs): VerificationService {
  const { clock, hasher } = ports
  const { stores, transaction } = work
  const find = (token: string) => stores.mailTokens.find({ purposes: verificationPurposes, token })

  async function didItsWork(token: string): Promise<boolean> {
    const mailed = await find(token)
    const user = mailed?.isSpent ? await stores.users.findByEmail(mailed.email) : null
    return user?.emailVerifiedAt != null
  }

  async function verifyOnce(token: string, work: (mailed: IssuedMailToken) => Promise<void>): Promise<void> {
    try {
      const mailed = await find(token)
      if (!mailed || mailed.isSpent) throw new AuthError(authErrors.verification_token_invalid)
      await work(mailed)
    } catch (error) {
      // Checked afterwards, as another request with the same token may have been faster.
      if (!(error instanceof AuthError) || !(await didItsWork(token))) throw error
    }
  }

  async function verifyUser({ token, targetId, email }: IssuedMailToken, caller: Caller): Promise<void> {
    const userId = Number(targetId)
    await transaction(async ({ mailTokens, users, events }) => {
      const isSpent = await mailTokens.spend({ purpose: 'verify_email', token })
      if (!isSpent) throw new AuthError(authErrors.verification_token_invalid)
      if (await users.markEmailVerified(userId, email)) {
        await events.record({ type: userEvents.email_verified, userId }, caller)
        return
      }
      // A reset by mail may have verified the address before.
      const user = await users.findById(userId)
      if (user?.email !== email) throw new AuthError(authErrors.verification_token_invalid)
    })
  }

  /**
   * The registration becomes the user. The others of its address stay pending, although nothing can verify them: if
   * they were deleted, the answer to a login with one of their passwords would change and reveal that the address was
   * verified. For the same reason the registration keeps its own password when a new one was given: it may be the
   * secret of another client that registered the address.
   */
  async function complete(
    { token, purpose, email }: IssuedMailToken,
    { id, passwordHash, firstName, lastName, phoneNumber, timezone, ...registration }: Registration,
    { username = registration.username, newHash, throttleKey }: Completion,
    caller: Caller,
  ): Promise<void> {
    refuseForeignAddress(username, email)
    try {
      await transaction(async (within) => {
        const { mailTokens, registrations, attempts, events } = within
        const isSpent = await mailTokens.spend({ purpose, token })
        if (!isSpent) throw new AuthError(authErrors.verification_token_invalid)
        if (newHash === undefined) await registrations.clearPassword(id)
        if (throttleKey) await attempts.clearFailures([throttleKey])
        const person = { username, email, firstName, lastName, phoneNumber, timezone, emailVerifiedAt: clock.now() }
        const { id: userId } = await createUser(within, person, newHash ?? passwordHash, caller)
        await events.record({ type: userEvents.email_verified, userId }, caller)
      })
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      const addressIsTaken = (await stores.users.findByEmail(email)) !== null
      throw new AuthError(addressIsTaken ? authErrors.verification_token_invalid : authErrors.username_taken_meanwhile)
    }
  }

  async function completeWithNewPassword(
    mailed: IssuedMailToken,
    newPassword: string,
    username: string | undefined,
    caller: Caller,
  ): Promise<void> {
    const newest = await stores.registrations.findNewest(mailed.email)
    if (!newest) throw new AuthError(authErrors.verification_token_invalid)
    passwords.policy.check(newPassword, 'new_password', { ...newest, username: username ?? newest.username })
    await complete(mailed, newest, { username, newHash: await hasher.hash(newPassword, caller.network) }, caller)
  }

  async function completeWithPassword(
    mailed: IssuedMailToken,
    password: string,
    username: string | undefined,
    caller: Caller,
  ): Promise<void> {
    const { targetId, email } = mailed
    // With the registered username the password has passed all rules already.
    if (username !== undefined) passwords.policy.checkUsername(password, 'password', username)
    const others = await stores.registrations.listPending(email)
    // The token's own first: however many others register the address, none of them takes its place.
    const ids = [...new Set([targetId, ...others.map(({ id }) => id)])].slice(0, mostPending)
    const pending = await stores.registrations.findPending(ids)
    const claim = { name: email, password, pending, most: mostPending }
    const completed = await passwords.verifyOneOfPending(claim, caller, (one, throttleKey) =>
      complete(mailed, one, { username, throttleKey }, caller),
    )
    if (!completed) throw new AuthError(authErrors.registration_password_wrong)
  }

  async function refuseTakenAddress({ email }: IssuedMailToken): Promise<void> {
    if (await stores.users.findByEmail(email)) throw new AuthError(authErrors.verification_token_invalid)
  }

  return {
    verify: ({ token, password, newPassword, username }, caller) =>
      verifyOnce(token, async (mailed) => {
        if (mailed.purpose === 'verify_email') {
          if (newPassword !== undefined) throw new AuthError(authErrors.account_has_password)
          return verifyUser(mailed, caller)
        }
        await refuseTakenAddress(mailed)
        if (newPassword !== undefined) return completeWithNewPassword(mailed, newPassword, username, caller)
        if (password !== undefined) return completeWithPassword(mailed, password, username, caller)
        throw new AuthError(authErrors.password_required)
      }),

    verifyByLink: (token, caller) =>
      verifyOnce(token, async (mailed) => {
        if (mailed.purpose === 'verify_email') return verifyUser(mailed, caller)
        await refuseTakenAddress(mailed)
        if (mailed.purpose !== 'verify_registration') throw new AuthError(authErrors.password_required)
        const [registration] = await stores.registrations.findPending([mailed.targetId])
        if (!registration) throw new AuthError(authErrors.verification_token_invalid)
        await complete(mailed, registration, {}, caller)
      }),
  }
}
