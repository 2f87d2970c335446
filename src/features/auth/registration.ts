import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { Scope, UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { MailRateLimits, MailTokens, Outbox } from '../mail/index.ts'
import type { Passwords } from '../password/index.ts'
import { firstVersion } from '../password/index.ts'
import type { SessionStore } from '../session/index.ts'
import type { NewUser, UserReply, UserService } from '../user/index.ts'
import { identifierKey, refuseForeignAddress, userErrors } from '../user/index.ts'
import { authEvents } from './events.ts'
import type { LoginService } from './log-in.ts'
import { addressInUse, completeRegistration, verifyEmail } from './mail-templates.ts'
import type { NewUserStores } from './new-user.ts'
import { createUser, takenError } from './new-user.ts'
import type { LoggedIn } from './schemas.ts'
import type { RegistrationStore } from './store.ts'
import type { VerificationPurpose } from './unverified.ts'
import { pendingAs, unverifiedIn } from './unverified.ts'

/** From an anonymous client to a user whose address can be verified. */
export interface RegistrationService {
  /**
   * Creates the user and opens a session; or, where verification is required, mails a token and returns nothing that
   * reveals whether the address has an account. Throws what is wrong with username, address or password.
   */
  register(person: NewUser, password: string, caller: Caller): Promise<LoggedIn | undefined>
  /** The same without a session. */
  createAccount(person: NewUser, password: string, caller: Caller): Promise<UserReply | undefined>
  /**
   * Mails one new link if an account or a registration with this address is not verified yet. The link works for each
   * pending registration.
   */
  resend(email: string, caller: Caller): Promise<void>
}

export interface RegistrationStores extends NewUserStores {
  readonly registrations: RegistrationStore
  readonly sessions: SessionStore
  readonly mailTokens: MailTokens
  readonly mailRateLimits: MailRateLimits
  readonly outbox: Outbox
  readonly padWork: Scope['padWork']
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'hasher'>
  readonly work: UnitOfWork<RegistrationStores>
  readonly profiles: UserService
  readonly passwords: Passwords
  readonly login: LoginService
}

export function createRegistration({ ports, work, profiles, passwords, login }: Needs): RegistrationService {
  const { clock, hasher } = ports
  const { stores, transaction } = work

  async function mailToken(
    { mailTokens, outbox }: Pick<RegistrationStores, 'mailTokens' | 'outbox'>,
    { purpose, targetId, email, at }: { purpose: VerificationPurpose; targetId: string; email: string; at: Date },
    { policy }: Caller,
  ): Promise<void> {
    const token = await mailTokens.issue({ purpose, targetId, email })
    const template = purpose === 'complete_registration' ? completeRegistration : verifyEmail
    await outbox.enqueue(template, email, { link: policy.links.verifyEmail(token), at: at.toUTCString() }, token)
  }

  async function registerAtOnce(person: NewUser, passwordHash: string, caller: Caller): Promise<User> {
    try {
      return await transaction(async (within) => {
        const { email } = person
        // The account is created even if the mail may not be sent; the user can ask for a link.
        const mayMail = await within.mailRateLimits.spendRegistration('registration', email, caller.network)
        const user = await createUser(within, person, passwordHash, caller)
        const order = { purpose: 'verify_email', targetId: String(user.id), email, at: clock.now() } as const
        if (mayMail) await mailToken(within, order, caller)
        return user
      })
    } catch (error) {
      throw isUniqueViolation(error) ? await takenError(stores.users, person) : error
    }
  }

  async function registerLater(person: NewUser, passwordHash: string, caller: Caller): Promise<void> {
    await transaction(async ({ users, registrations, mailRateLimits, mailTokens, outbox, events, padWork }) => {
      const user = await users.findByEmail(person.email)
      // Stored for a known address too, although nothing can verify it, so that a login with its password gets the same
      // answer.
      const registration = await registrations.create(person, passwordHash, caller.network)
      const { id } = registration
      const { email } = person
      // The registration stays even if its mail may not be sent; its client can ask for a link.
      const kind = user ? 'address_in_use' : 'registration'
      const mayMail = await mailRateLimits.spendRegistration(kind, email, caller.network)
      await padWork(mayMail ? id : undefined, async (targetId = randomUUID()) => {
        const { event: _event, ...order } = pendingAs({ ...registration, id: targetId }, caller.policy)
        if (!user) return mailToken({ mailTokens, outbox }, { ...order, email }, caller)
        // Only so that it takes the same time: this token is in no mail.
        await mailTokens.issue({ ...order, email })
        await outbox.enqueue(addressInUse, email, {})
      })
      const event = user
        ? { type: authEvents.registration_repeated, userId: user.id }
        : { type: authEvents.registration_started, details: { registration: id } }
      await events.record(event, caller)
    })
  }

  /** The new user; undefined where the address has to be verified first. */
  async function register(given: NewUser, password: string, caller: Caller): Promise<User | undefined> {
    const person = { ...given, phoneNumber: profiles.readPhoneNumber(given.phoneNumber) }
    refuseForeignAddress(person.username, person.email)
    passwords.policy.check(password, 'password', person)
    const { verificationRequired } = caller.policy
    // Only the account of this address can have the address as its username, so "username taken" would reveal that
    // account.
    const mustNotShow = verificationRequired && identifierKey(person.username) === person.email
    if (!mustNotShow && (await stores.users.usernameIsTaken(person.username)))
      throw new AuthError(userErrors.username_taken)
    if (!verificationRequired && (await stores.users.findByEmail(person.email)))
      throw new AuthError(userErrors.email_taken)
    const passwordHash = await hasher.hash(password, caller.network)
    if (!verificationRequired) return registerAtOnce(person, passwordHash, caller)
    await registerLater(person, passwordHash, caller)
    return undefined
  }

  const newPassword = { version: firstVersion, throttleKeys: [] }

  return {
    async register(person, password, caller) {
      const user = await register(person, password, caller)
      // The account is committed first: a gate may ask for a step, which the user then takes at a login.
      return user && login.openSession(stores, { user, password: newPassword, passed: ['password'] }, caller)
    },

    async createAccount(person, password, caller) {
      const user = await register(person, password, caller)
      return user && profiles.present(user, caller.policy)
    },

    async resend(email, caller) {
      const { policy } = caller
      const user = await stores.users.findByEmail(email)
      const pending = await stores.registrations.listPending(email)
      const unverified = user ? unverifiedIn(user) : pending[0] && pendingAs(pending[0], policy)
      await transaction(async ({ registrations, mailRateLimits, mailTokens, outbox, events, padWork }) => {
        // The budget is spent for every address, known or not. Without it nothing changes, and the token that was
        // mailed last stays valid.
        const mail = { isMailed: unverified !== undefined, isVerified: false }
        const mayMail = await mailRateLimits.spendAsked('resend_verification', email, mail)
        await padWork(mayMail ? unverified : undefined, async (one) => {
          const { event, ...order } = one ?? pendingAs({ id: randomUUID(), createdAt: clock.now() }, policy)
          // A newer link ends the older one, also one of another purpose, which another contract has mailed.
          await mailTokens.revoke({ purpose: 'verify_registration', targetId: order.targetId })
          await mailToken({ mailTokens, outbox }, { ...order, email }, caller)
          await events.record({ type: authEvents.verification_resent, ...event }, caller)
        })
        // Locked after the tokens, as a verification does: in another order the two can deadlock. Prolonged without a
        // mail and for a known address too: a login with its password shows whether the registration is pending, and
        // would reveal which case it was.
        await registrations.prolong(pending.map(({ id }) => id))
      })
    },
  }
}
