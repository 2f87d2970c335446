import { randomUUID } from 'node:crypto'
import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import type { PasswordWriteBack } from '../../kernel/django.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { Scope, UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { MailRateLimits, MailTokens, Outbox } from '../mail/index.ts'
import type { SessionService, SessionStore, TokenPair } from '../session/index.ts'
import { endAllSessions } from '../session/index.ts'
import type { DeviceGrant, Throttle } from '../throttle/index.ts'
import type { UserStore } from '../user/index.ts'
import { identifierKey, userEvents } from '../user/index.ts'
import { passwordErrors } from './errors.ts'
import { passwordEvents } from './events.ts'
import type { FailureStores } from './failures.ts'
import { passwordChanged, resetPassword } from './mail-templates.ts'
import type { PasswordPolicy } from './policy.ts'
import { createPasswordPolicy } from './policy.ts'
import { createRepeatedReset } from './repeated-reset.ts'
import type { PasswordStore } from './store.ts'
import type { PasswordVerification } from './verification.ts'
import { createPasswordVerification } from './verification.ts'

interface PasswordChange {
  readonly current: string
  readonly next: string
}

interface ResetOrder {
  readonly token: string
  readonly newPassword: string
  /** The user whose the token has to be. */
  readonly userId?: number
}

/** Changing and resetting passwords. Only the device that sets the new password stays trusted. */
export interface PasswordService {
  /** Changes the password, ends the user's other sessions and gives this one a new pair. */
  change(passwords: PasswordChange, caller: AuthenticatedCaller): Promise<TokenPair & DeviceGrant>
  /** The same, but the session keeps its tokens: for answers that cannot carry new ones. */
  changeKeepingTokens(passwords: PasswordChange, caller: AuthenticatedCaller): Promise<DeviceGrant>
  /** Mails a reset token to the user with this address, if there is one. */
  forgot(email: string, caller: Caller): Promise<void>
  /** Mails a reset token to the user whatever was mailed before, as an operator wants it. */
  mailReset(user: User, caller: Caller): Promise<void>
  /** Sets a password that an operator has chosen and ends all sessions of the user, who is told by mail. */
  set(user: User, newPassword: string, caller: Caller): Promise<void>
  /**
   * Sets a new password for a mailed token, which must be that user's if one is named, and ends all sessions of the user. Where no user
   * is named, the same again with the same password changes nothing.
   */
  reset(order: ResetOrder, caller: Caller): Promise<DeviceGrant>
}

/** The services that this feature offers to others. */
export interface Passwords extends PasswordService, PasswordVerification {
  readonly policy: PasswordPolicy
}

interface Stores extends FailureStores {
  readonly users: UserStore
  readonly passwords: PasswordStore
  readonly sessions: SessionStore
  readonly mailTokens: MailTokens
  readonly mailRateLimits: MailRateLimits
  readonly outbox: Outbox
  readonly padWork: Scope['padWork']
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'logger' | 'meter' | 'hasher'>
  readonly work: UnitOfWork<Stores>
  readonly settings: { readonly minLength: number }
  readonly sessions: SessionService
  readonly throttle: Throttle
  readonly writeBack: PasswordWriteBack
}

export function createPasswords({ ports, work, settings, sessions, throttle, writeBack }: Needs): Passwords {
  const { clock, hasher } = ports
  const { stores, transaction } = work
  const policy = createPasswordPolicy(settings)
  const verification = createPasswordVerification({ ports, work, sessions, throttle })
  const findRepeatedReset = createRepeatedReset({ work, verification, throttle })

  async function mailReset(
    { mailTokens, outbox, events }: Pick<Stores, 'mailTokens' | 'outbox' | 'events'>,
    email: string,
    user: User | undefined,
    caller: Caller,
  ): Promise<void> {
    const targetId = user ? String(user.id) : randomUUID()
    const token = await mailTokens.issue({ purpose: 'reset_password', targetId, email })
    const link = caller.policy.links.resetPassword(token, user?.id ?? 0)
    await outbox.enqueue(resetPassword, email, { link }, token)
    await events.record({ type: passwordEvents.password_reset_requested, ...(user && { userId: user.id }) }, caller)
  }

  /** Hashes the password and does the work in one transaction, which sets it. */
  async function withHash<Result>(
    change: Parameters<PasswordWriteBack>[0],
    set: (hash: string, within: Stores) => Promise<Result>,
  ): Promise<Result> {
    const hash = await hasher.hash(change.password, change.caller.network)
    return writeBack(change, () => transaction((within) => set(hash, within)))
  }

  async function change<Result>(
    { current, next }: PasswordChange,
    caller: AuthenticatedCaller,
    finish: (within: Stores) => Promise<Result>,
  ): Promise<Result & DeviceGrant> {
    const { user, session } = caller
    const claim = { session, identifier: user.username, failure: passwordEvents.password_change_failed }
    const changed = await verification.attempt(claim, caller, async (verifyPassword) => {
      const proof = await verifyPassword(current)
      if (!proof) return undefined
      policy.check(next, 'new_password', user)
      const result = await withHash({ user, password: next, caller }, async (hash, within) => {
        const { mailTokens, passwords, attempts, events, notices } = within
        // The token before the password, as a reset takes them: in another order the two can deadlock.
        await mailTokens.revoke({ purpose: 'reset_password', targetId: String(user.id) })
        if (!(await passwords.replace(proof, hash))) throw new AuthError(passwordErrors.current_password_wrong)
        await attempts.clearFailures(proof.throttleKeys)
        await endAllSessions(within, { userId: user.id, reason: 'password_changed', except: session.id }, caller)
        await events.record({ type: passwordEvents.password_changed, userId: user.id, sessionId: session.id }, caller)
        // In the transaction, so that a change whose session has ended meanwhile is rolled back.
        const finished = await finish(within)
        await notices.send(passwordChanged, user, { ip: caller.ip })
        return finished
      })
      return { ...result, ...throttle.devices.issue(user.id, proof.version + 1) }
    })
    if (!changed) throw new AuthError(passwordErrors.current_password_wrong)
    return changed
  }

  /** Replaces the password, whatever it was, and lets untrusted devices in again. Returns the version. */
  async function replace(within: Stores, user: User, hash: string): Promise<number> {
    const version = await within.passwords.reset(user.id, hash)
    await within.attempts.reopen(throttle.keys.account(user.id, identifierKey(user.email)))
    return version
  }

  async function reset({ token, newPassword, userId }: ResetOrder, caller: Caller): Promise<DeviceGrant> {
    const mailed = await stores.mailTokens.find({ purposes: ['reset_password'], token })
    // The published contract that names the user refuses every spent token.
    const mayRepeat = mailed?.isSpent && userId === undefined
    const repeated = mayRepeat && (await findRepeatedReset(mailed, newPassword, caller))
    if (repeated) return repeated
    const user = mailed && !mailed.isSpent && (await stores.users.findById(Number(mailed.targetId)))
    const isTheirs = user && (userId === undefined || userId === user.id)
    if (!isTheirs || user.disabledAt || user.email !== mailed.email)
      throw new AuthError(passwordErrors.reset_token_invalid)
    policy.check(newPassword, 'new_password', user)
    return withHash({ user, password: newPassword, caller }, async (hash, within) => {
      const { mailTokens, users, events, notices } = within
      if (!(await mailTokens.spend({ purpose: 'reset_password', token }))) {
        throw new AuthError(passwordErrors.reset_token_invalid)
      }
      const version = await replace(within, user, hash)
      // A client that reads the mail of the address has verified it.
      if (await users.markEmailVerified(user.id, mailed.email)) {
        await events.record({ type: userEvents.email_verified, userId: user.id }, caller)
      }
      await endAllSessions(within, { userId: user.id, reason: 'password_reset' }, caller)
      await events.record({ type: passwordEvents.password_reset, userId: user.id }, caller)
      await notices.send(passwordChanged, { ...user, emailVerifiedAt: clock.now() }, { ip: caller.ip })
      return throttle.devices.issue(user.id, version)
    })
  }

  return {
    ...verification,
    policy,
    change: (passwords, caller) => change(passwords, caller, (within) => sessions.renewWithin(within, caller)),
    changeKeepingTokens: (passwords, caller) =>
      change(passwords, caller, (within) => sessions.requireLive(within, caller)),

    async forgot(email, caller) {
      const user = await stores.users.findByEmail(email)
      await transaction(async ({ padWork, mailRateLimits, ...within }) => {
        // The budget is spent for every address, known or not. Without it nothing changes, and the token that was
        // mailed last stays valid.
        const mayLogIn = user !== null && user.disabledAt === null
        const mail = { isMailed: mayLogIn, isVerified: user?.emailVerifiedAt != null }
        const mayMail = await mailRateLimits.spendAsked('forgot_password', email, mail)
        await padWork(mayMail && mayLogIn ? user : undefined, (recipient) =>
          mailReset(within, email, recipient, caller),
        )
      })
    },

    mailReset: (user, caller) => transaction((within) => mailReset(within, user.email, user, caller)),

    async set(user, newPassword, caller) {
      policy.check(newPassword, 'password', user)
      await withHash({ user, password: newPassword, caller }, async (hash, within) => {
        await within.mailTokens.revoke({ purpose: 'reset_password', targetId: String(user.id) })
        await replace(within, user, hash)
        await endAllSessions(within, { userId: user.id, reason: 'password_reset' }, caller)
        await within.events.record({ type: passwordEvents.password_set, userId: user.id }, caller)
        await within.notices.send(passwordChanged, user, { ip: 'the console of an operator' })
      })
    },

    reset,
  }
}
