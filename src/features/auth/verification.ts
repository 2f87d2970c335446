import type { Caller } from '../../kernel/caller.ts'
import type { Database, Db, Registration } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, PasswordHasher } from '../../kernel/ports.ts'
import type { IssuedMailToken, MailTokens } from '../mail/index.ts'
import type { PasswordCheck, PasswordPolicy } from '../password/index.ts'
import type { UserStore } from '../user/index.ts'
import { refuseForeignAddress } from '../user/index.ts'
import { authErrors } from './errors.ts'
import type { CreateUser } from './new-user.ts'
import type { RegistrationStore } from './store.ts'
import { mostPending } from './store.ts'
import { verificationPurposes } from './unverified.ts'

interface Verification {
  readonly token: string
  /** Of one of the registrations that wait for the address. */
  readonly password?: string | undefined
  /** Instead of it, for the newest registration that waits. */
  readonly newPassword?: string | undefined
  /** Instead of the one that was registered. */
  readonly username?: string | undefined
}

/** How a registration is completed otherwise than with its own username and password. */
interface Completion {
  readonly username?: string | undefined
  readonly newHash?: string
  /** Forgives wrong passwords, in the same transaction. */
  readonly forgive?: (tx: Db) => Promise<void>
}

/** From a mailed token to a verified address. A token that did its work already changes nothing more. */
export interface VerificationService {
  /**
   * Verifies the address of an account, or completes a registration. As anybody can register any address, the token
   * proves the mailbox only, and the password decides whose registration it is. Throws what is wrong with token, password
   * or username; the token is not spent then.
   */
  verify(verification: Verification, caller: Caller): Promise<void>
  /** The same with the token alone, which has to be of a link that completes the registration that it was mailed for. */
  verifyByLink(token: string, caller: Caller): Promise<void>
}

export function createVerificationService({
  db,
  transaction,
  clock,
  hasher,
  passwordPolicy,
  check,
  createUser,
  usersIn,
  registrationsIn,
  mailTokensIn,
  recordEvent,
}: Pick<Database, 'db' | 'transaction'> & {
  clock: Clock
  hasher: PasswordHasher
  passwordPolicy: PasswordPolicy
  check: PasswordCheck
  createUser: CreateUser
  usersIn: (db: Db) => UserStore
  registrationsIn: (db: Db) => RegistrationStore
  mailTokensIn: (db: Db) => MailTokens
  recordEvent: EventRecorder
}): VerificationService {
  const find = (token: string) => mailTokensIn(db).find({ purposes: verificationPurposes, token })

  async function didItsWork(token: string): Promise<boolean> {
    const mailed = await find(token)
    const user = mailed?.isSpent ? await usersIn(db).findByEmail(mailed.email) : null
    return user?.emailVerifiedAt != null
  }

  async function verifyOnce(token: string, work: (mailed: IssuedMailToken) => Promise<void>): Promise<void> {
    try {
      const mailed = await find(token)
      if (!mailed || mailed.isSpent) throw new AuthError(authErrors.verification_token_invalid)
      await work(mailed)
    } catch (error) {
      // Asked afterwards, as another request with the same token may have been faster.
      if (!(error instanceof AuthError) || !(await didItsWork(token))) throw error
    }
  }

  async function verifyUser({ token, targetId, email }: IssuedMailToken, caller: Caller): Promise<void> {
    const userId = Number(targetId)
    await transaction(async (tx) => {
      const isSpent = await mailTokensIn(tx).spend({ purpose: 'verify_email', token })
      if (!isSpent) throw new AuthError(authErrors.verification_token_invalid)
      if (await usersIn(tx).markEmailVerified(userId, email)) {
        await recordEvent(tx, { type: 'email_verified', userId }, caller)
        return
      }
      // A reset by mail may have verified the address before.
      const user = await usersIn(tx).findById(userId)
      if (user?.email !== email) throw new AuthError(authErrors.verification_token_invalid)
    })
  }

  /**
   * The registration becomes the user. Those of its address wait on in vain: were they deleted, a login with one of their
   * passwords would begin to be answered otherwise and tell that the address was verified. For the same reason it keeps
   * its own password where another one was given: that may be the secret of whoever else registered the address.
   */
  async function complete(
    { token, purpose, email }: IssuedMailToken,
    { id, passwordHash, firstName, lastName, phoneNumber, timezone, ...registration }: Registration,
    { username = registration.username, newHash, forgive }: Completion,
    caller: Caller,
  ): Promise<void> {
    refuseForeignAddress(username, email)
    try {
      await transaction(async (tx) => {
        const isSpent = await mailTokensIn(tx).spend({ purpose, token })
        if (!isSpent) throw new AuthError(authErrors.verification_token_invalid)
        if (newHash === undefined) await registrationsIn(tx).clearPassword(id)
        await forgive?.(tx)
        const person = { username, email, firstName, lastName, phoneNumber, timezone, emailVerifiedAt: clock.now() }
        const { id: userId } = await createUser(tx, person, newHash ?? passwordHash, caller)
        await recordEvent(tx, { type: 'email_verified', userId }, caller)
      })
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      const addressIsTaken = (await usersIn(db).findByEmail(email)) !== null
      throw new AuthError(addressIsTaken ? authErrors.verification_token_invalid : authErrors.username_taken_meanwhile)
    }
  }

  async function completeWithNewPassword(
    mailed: IssuedMailToken,
    newPassword: string,
    username: string | undefined,
    caller: Caller,
  ): Promise<void> {
    const newest = await registrationsIn(db).findNewest(mailed.email)
    if (!newest) throw new AuthError(authErrors.verification_token_invalid)
    passwordPolicy.check(newPassword, 'new_password', { ...newest, username: username ?? newest.username })
    await complete(mailed, newest, { username, newHash: await hasher.hash(newPassword, caller.network) }, caller)
  }

  async function completeWithPassword(
    mailed: IssuedMailToken,
    password: string,
    username: string | undefined,
    caller: Caller,
  ): Promise<void> {
    const { targetId, email } = mailed
    // The registered one passed all rules with the registered username.
    if (username !== undefined) passwordPolicy.checkUsername(password, 'password', username)
    const others = await registrationsIn(db).listPending(email)
    // The token's own first: however many others register the address, none of them takes its place.
    const ids = [...new Set([targetId, ...others.map(({ id }) => id)])].slice(0, mostPending)
    const waiting = await registrationsIn(db).findPending(ids)
    const claim = { email, password, pending: waiting, most: mostPending }
    const completed = await check.provePending(claim, caller, (one, forgive) =>
      complete(mailed, one, { username, forgive }, caller),
    )
    if (!completed) throw new AuthError(authErrors.registration_password_wrong)
  }

  async function refuseTakenAddress({ email }: IssuedMailToken): Promise<void> {
    if (await usersIn(db).findByEmail(email)) throw new AuthError(authErrors.verification_token_invalid)
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
        const [registration] = await registrationsIn(db).findPending([mailed.targetId])
        if (!registration) throw new AuthError(authErrors.verification_token_invalid)
        await complete(mailed, registration, {}, caller)
      }),
  }
}
