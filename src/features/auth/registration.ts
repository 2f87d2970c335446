import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Database, Db, User } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, PasswordHasher } from '../../kernel/ports.ts'
import type { MailRateLimits, MailTokens, Outbox } from '../mail/index.ts'
import type { PasswordPolicy } from '../password/index.ts'
import type { NewUser, UserReply, UserService, UserStore } from '../user/index.ts'
import { identifierKey, refuseForeignAddress, userErrors } from '../user/index.ts'
import type { LoginService } from './log-in.ts'
import { addressInUse, completeRegistration, verifyEmail } from './mail-templates.ts'
import type { CreateUser } from './new-user.ts'
import type { LoggedIn } from './schemas.ts'
import type { RegistrationStore } from './store.ts'
import type { VerificationPurpose } from './unverified.ts'
import { pendingAs, unverifiedIn } from './unverified.ts'

/** From a stranger to a user with a verified address. */
export interface RegistrationService {
  /**
   * Creates the user, and logs in if asked to; or, where verification is required, mails a token and answers nothing that tells
   * whether the address has an account. Throws what is wrong with username, address or password.
   */
  register(person: NewUser, password: string, caller: Caller): Promise<LoggedIn | undefined>
  /** The same without a session. */
  createAccount(person: NewUser, password: string, caller: Caller): Promise<UserReply | undefined>
  /** Mails one new link if something with this address waits to be verified; it serves whatever registration waits. */
  resend(email: string, caller: Caller): Promise<void>
}

export function createRegistrationService({
  db,
  transaction,
  padWork,
  clock,
  hasher,
  passwordPolicy,
  users,
  login,
  usersIn,
  createUser,
  registrationsIn,
  mailRateLimitsIn,
  mailTokensIn,
  outboxIn,
  recordEvent,
}: Pick<Database, 'db' | 'transaction' | 'padWork'> & {
  clock: Clock
  hasher: PasswordHasher
  passwordPolicy: PasswordPolicy
  users: UserService
  login: LoginService
  usersIn: (db: Db) => UserStore
  createUser: CreateUser
  registrationsIn: (db: Db) => RegistrationStore
  mailRateLimitsIn: (db: Db) => MailRateLimits
  mailTokensIn: (db: Db) => MailTokens
  outboxIn: (db: Db) => Outbox
  recordEvent: EventRecorder
}): RegistrationService {
  async function mailToken(
    tx: Db,
    { purpose, targetId, email, at }: { purpose: VerificationPurpose; targetId: string; email: string; at: Date },
    { policy }: Caller,
  ): Promise<void> {
    const token = await mailTokensIn(tx).issue({ purpose, targetId, email })
    const template = purpose === 'complete_registration' ? completeRegistration : verifyEmail
    await outboxIn(tx).enqueue(template, email, { link: policy.links.verifyEmail(token), at: at.toUTCString() })
  }

  /** Says which of the two was taken, once the database has said that one of them is. */
  async function takenError({ username }: NewUser): Promise<AuthError> {
    return (await usersIn(db).usernameIsTaken(username))
      ? new AuthError(userErrors.username_taken)
      : new AuthError(userErrors.email_taken)
  }

  async function registerAtOnce<Result>(
    person: NewUser,
    passwordHash: string,
    caller: Caller,
    openSession: (tx: Db, user: User) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await transaction(async (tx) => {
        const { email } = person
        // Without its mail the account is made all the same; a link can be asked for.
        const mayMail = await mailRateLimitsIn(tx).spendRegistration('registration', email, caller.network)
        const user = await createUser(tx, person, passwordHash, caller)
        const order = { purpose: 'verify_email', targetId: String(user.id), email, at: clock.now() } as const
        if (mayMail) await mailToken(tx, order, caller)
        return openSession(tx, user)
      })
    } catch (error) {
      throw isUniqueViolation(error) ? await takenError(person) : error
    }
  }

  async function registerLater(person: NewUser, passwordHash: string, caller: Caller): Promise<void> {
    await transaction(async (tx) => {
      const user = await usersIn(tx).findByEmail(person.email)
      // Kept for a known address too, though nothing can verify it: a login with its password is answered alike.
      const registration = await registrationsIn(tx).create(person, passwordHash, caller.network)
      const { id } = registration
      const { email } = person
      // Without its own mail an attempt waits all the same; whoever made it can ask for a link.
      const kind = user ? 'address_in_use' : 'registration'
      const mayMail = await mailRateLimitsIn(tx).spendRegistration(kind, email, caller.network)
      await padWork(tx, mayMail ? id : undefined, async (targetId = randomUUID()) => {
        const { event: _event, ...order } = pendingAs({ ...registration, id: targetId }, caller.policy)
        if (!user) return mailToken(tx, { ...order, email }, caller)
        // For the time that it takes: nobody is ever told the token.
        await mailTokensIn(tx).issue({ ...order, email })
        await outboxIn(tx).enqueue(addressInUse, email, {})
      })
      await recordEvent(
        tx,
        user
          ? { type: 'registration_repeated', userId: user.id }
          : { type: 'registration_started', details: { registration: id } },
        caller,
      )
    })
  }

  async function register<Result>(
    given: NewUser,
    password: string,
    caller: Caller,
    openSession: (tx: Db, user: User) => Promise<Result>,
  ): Promise<Result | undefined> {
    const person = { ...given, phoneNumber: users.readPhoneNumber(given.phoneNumber) }
    refuseForeignAddress(person.username, person.email)
    passwordPolicy.check(password, 'password', person)
    const { verificationRequired } = caller.policy
    // One's own address can be the username of no other account than that of the address, which must not show.
    const mustNotShow = verificationRequired && identifierKey(person.username) === person.email
    if (!mustNotShow && (await usersIn(db).usernameIsTaken(person.username)))
      throw new AuthError(userErrors.username_taken)
    if (!verificationRequired && (await usersIn(db).findByEmail(person.email)))
      throw new AuthError(userErrors.email_taken)
    const passwordHash = await hasher.hash(password, caller.network)
    if (!verificationRequired) return registerAtOnce(person, passwordHash, caller, openSession)
    await registerLater(person, passwordHash, caller)
    return undefined
  }

  return {
    register: (person, password, caller) =>
      register(person, password, caller, (tx, user) => login.openSession(tx, user, caller)),
    createAccount: (person, password, caller) =>
      register(person, password, caller, async (_tx, user) => users.present(user, caller.policy)),

    async resend(email, caller) {
      const { policy } = caller
      const user = await usersIn(db).findByEmail(email)
      const waiting = await registrationsIn(db).listPending(email)
      const unverified = user ? unverifiedIn(user) : waiting[0] && pendingAs(waiting[0], policy)
      await transaction(async (tx) => {
        // Asked for every address, and nothing remains without: the token that was mailed last stays alive.
        const mail = { isMailed: unverified !== undefined, isVerified: false }
        const mayMail = await mailRateLimitsIn(tx).spendAsked('resend_verification', email, mail)
        await padWork(tx, mayMail ? unverified : undefined, async (one) => {
          const { event, ...order } = one ?? pendingAs({ id: randomUUID(), createdAt: clock.now() }, policy)
          // A newer link kills the older, also that of a contract whose links are of another purpose.
          await mailTokensIn(tx).revoke({ purpose: 'verify_registration', targetId: order.targetId })
          await mailToken(tx, { ...order, email }, caller)
          await recordEvent(tx, { type: 'verification_resent', ...event }, caller)
        })
        // After the tokens, as a verification takes them: in another order the two can deadlock. Prolonged without a mail
        // and for a known address too: a login with its password tells whether it waits, and would tell which it was.
        await registrationsIn(tx).prolong(waiting.map(({ id }) => id))
      })
    },
  }
}
