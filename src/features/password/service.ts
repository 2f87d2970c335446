import { randomUUID } from 'node:crypto'
import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import type { Database, Db, User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, PasswordHasher } from '../../kernel/ports.ts'
import type { MailRateLimits, MailTokens, Notify, Outbox } from '../mail/index.ts'
import type { SessionService, SessionStore, TokenPair } from '../session/index.ts'
import type { AttemptStore, DeviceGrant, ThrottleKeys, TrustedDevices } from '../throttle/index.ts'
import type { UserStore } from '../user/index.ts'
import { identifierKey } from '../user/index.ts'
import type { PasswordCheck } from './check.ts'
import { passwordErrors } from './errors.ts'
import { passwordChanged, resetPassword } from './mail-templates.ts'
import type { PasswordPolicy } from './policy.ts'
import type { PasswordStore } from './store.ts'

interface PasswordChange {
  readonly current: string
  readonly next: string
}

/** Passwords: changing and resetting them. Who sets a new one is known to it, and nobody else is. */
export interface PasswordService {
  /** Changes the password, ends the user's other sessions and gives this one a new pair. */
  change(passwords: PasswordChange, caller: AuthenticatedCaller): Promise<TokenPair & DeviceGrant>
  /** The same, but the session keeps its tokens: for answers that cannot carry new ones. */
  changeKeepingTokens(passwords: PasswordChange, caller: AuthenticatedCaller): Promise<DeviceGrant>
  /** Mails a reset token to the user with this address, if there is one. */
  forgot(email: string, caller: Caller): Promise<void>
  /** Sets a new password for a mailed token, which must be that user's if one is named, and ends all sessions of the user. */
  reset(order: { token: string; newPassword: string; userId?: number }, caller: Caller): Promise<DeviceGrant>
}

export function createPasswordService({
  transaction,
  padWork,
  clock,
  hasher,
  passwordPolicy,
  check,
  sessions,
  throttleKeys,
  devices,
  passwordsIn,
  attemptsIn,
  usersIn,
  sessionsIn,
  mailRateLimitsIn,
  mailTokensIn,
  outboxIn,
  notify,
  recordEvent,
  db,
}: Pick<Database, 'db' | 'transaction' | 'padWork'> & {
  clock: Clock
  hasher: PasswordHasher
  passwordPolicy: PasswordPolicy
  check: PasswordCheck
  sessions: SessionService
  throttleKeys: ThrottleKeys
  devices: TrustedDevices
  passwordsIn: (db: Db) => PasswordStore
  attemptsIn: (db: Db) => AttemptStore
  usersIn: (db: Db) => UserStore
  sessionsIn: (db: Db) => SessionStore
  mailRateLimitsIn: (db: Db) => MailRateLimits
  mailTokensIn: (db: Db) => MailTokens
  outboxIn: (db: Db) => Outbox
  notify: Notify
  recordEvent: EventRecorder
}): PasswordService {
  async function mailReset(tx: Db, email: string, user: User | undefined, caller: Caller): Promise<void> {
    const targetId = user ? String(user.id) : randomUUID()
    const token = await mailTokensIn(tx).issue({ purpose: 'reset_password', targetId, email })
    await outboxIn(tx).enqueue(resetPassword, email, { link: caller.policy.links.resetPassword(token, user?.id ?? 0) })
    await recordEvent(tx, { type: 'password_reset_requested', ...(user && { userId: user.id }) }, caller)
  }

  async function change<Result>(
    { current, next }: PasswordChange,
    caller: AuthenticatedCaller,
    finish: (tx: Db) => Promise<Result>,
  ): Promise<Result & DeviceGrant> {
    const { user, session } = caller
    const claim = { session, identifier: user.username }
    const changed = await check.prove(claim, current, caller, async (proof) => {
      passwordPolicy.check(next, 'new_password', user)
      const hash = await hasher.hash(next, caller.network)
      const result = await transaction(async (tx) => {
        // The token before the password, as a reset takes them: in another order the two can deadlock.
        await mailTokensIn(tx).revoke({ purpose: 'reset_password', targetId: String(user.id) })
        if (!(await passwordsIn(tx).replace(proof, hash))) throw new AuthError(passwordErrors.current_password_wrong)
        await attemptsIn(tx).forgive(proof.throttleKeys)
        await sessionsIn(tx).endAllOf(user.id, 'password_changed', caller, { except: session.id })
        await recordEvent(tx, { type: 'password_changed', userId: user.id, sessionId: session.id }, caller)
        // Inside, so that a change whose session has been ended meanwhile does not happen.
        const finished = await finish(tx)
        await notify(tx, passwordChanged, user, { ip: caller.ip })
        return finished
      })
      return { ...result, ...devices.issue(user.id, proof.version + 1) }
    })
    if (!changed) throw new AuthError(passwordErrors.current_password_wrong)
    return changed
  }

  return {
    change: (passwords, caller) => change(passwords, caller, (tx) => sessions.renewIn(tx, caller)),
    changeKeepingTokens: (passwords, caller) => change(passwords, caller, (tx) => sessions.confirmIn(tx, caller)),

    async forgot(email, caller) {
      const user = await usersIn(db).findByEmail(email)
      await transaction(async (tx) => {
        // Asked for every address, and nothing remains without: the token that was mailed last stays alive.
        const mayLogIn = user !== null && user.disabledAt === null
        const mail = { isMailed: mayLogIn, isVerified: user?.emailVerifiedAt != null }
        const mayMail = await mailRateLimitsIn(tx).spendAsked('forgot_password', email, mail)
        await padWork(tx, mayMail && mayLogIn ? user : undefined, (recipient) =>
          mailReset(tx, email, recipient, caller),
        )
      })
    },

    async reset({ token, newPassword, userId }, caller) {
      const mailed = await mailTokensIn(db).find({ purposes: ['reset_password'], token })
      const user = mailed && !mailed.isSpent && (await usersIn(db).findById(Number(mailed.targetId)))
      const isTheirs = user && (userId === undefined || userId === user.id)
      if (!isTheirs || user.disabledAt || user.email !== mailed.email)
        throw new AuthError(passwordErrors.reset_token_invalid)
      passwordPolicy.check(newPassword, 'new_password', user)
      const hash = await hasher.hash(newPassword, caller.network)
      return transaction(async (tx) => {
        if (!(await mailTokensIn(tx).spend({ purpose: 'reset_password', token }))) {
          throw new AuthError(passwordErrors.reset_token_invalid)
        }
        const version = await passwordsIn(tx).reset(user.id, hash)
        await attemptsIn(tx).reopen(throttleKeys.account(user.id, identifierKey(user.email)))
        // Who reads the mail of the address has verified it.
        if (await usersIn(tx).markEmailVerified(user.id, mailed.email)) {
          await recordEvent(tx, { type: 'email_verified', userId: user.id }, caller)
        }
        await sessionsIn(tx).endAllOf(user.id, 'password_reset', caller)
        await recordEvent(tx, { type: 'password_reset', userId: user.id }, caller)
        await notify(tx, passwordChanged, { ...user, emailVerifiedAt: clock.now() }, { ip: caller.ip })
        return devices.issue(user.id, version)
      })
    },
  }
}
