import { randomUUID } from 'node:crypto'
import { clientNetwork } from '../../kernel/address.ts'
import type { Caller } from '../../kernel/caller.ts'
import type { Database, Db, User } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, PasswordHasher } from '../../kernel/ports.ts'
import type { MailAllowances, MailTokens, Outbox } from '../mail/index.ts'
import type { PasswordPolicy, PasswordStore } from '../password/index.ts'
import type { NewUser, UserReply, UserService, UserStore } from '../user/index.ts'
import { refuseForeignAddress, userErrors, usernameKey } from '../user/index.ts'
import { authErrors } from './errors.ts'
import { addressInUse, verifyEmail } from './letters.ts'
import type { LoginService } from './login.ts'
import type { LoggedIn } from './schemas.ts'
import type { RegistrationStore } from './store.ts'
import { mostWaiting } from './store.ts'
import type { VerificationPurpose } from './unverified.ts'
import { unverifiedIn, waitingAs } from './unverified.ts'

/** From a stranger to a user with a verified address. */
export interface RegistrationService {
  /**
   * Creates the user, and logs in if asked to; or, where verification is required, mails a token and answers nothing that tells
   * whether the address has an account. Throws what is wrong with username, address or password.
   */
  register(person: NewUser, password: string, caller: Caller): Promise<LoggedIn | undefined>
  /** The same without a session. */
  createAccount(person: NewUser, password: string, caller: Caller): Promise<UserReply | undefined>
  /** Spends a verification token. Throws `verification_token_invalid` or `username_taken_meanwhile`. */
  verify(token: string, caller: Caller): Promise<void>
  /** Mails a new token if something with this address waits to be verified. */
  resend(email: string, caller: Caller): Promise<void>
}

export function createRegistrationService({
  db,
  transaction,
  evenly,
  clock,
  hasher,
  policy,
  users,
  login,
  usersIn,
  passwordsIn,
  registrationsIn,
  allowancesIn,
  mailTokensIn,
  outboxIn,
  recordEvent,
}: Pick<Database, 'db' | 'transaction' | 'evenly'> & {
  clock: Clock
  hasher: PasswordHasher
  policy: PasswordPolicy
  users: UserService
  login: LoginService
  usersIn: (db: Db) => UserStore
  passwordsIn: (db: Db) => PasswordStore
  registrationsIn: (db: Db) => RegistrationStore
  allowancesIn: (db: Db) => MailAllowances
  mailTokensIn: (db: Db) => MailTokens
  outboxIn: (db: Db) => Outbox
  recordEvent: EventRecorder
}): RegistrationService {
  async function mailToken(
    tx: Db,
    { purpose, subject, email, at }: { purpose: VerificationPurpose; subject: string; email: string; at: Date },
    { terms }: Caller,
  ): Promise<void> {
    const token = await mailTokensIn(tx).issue({ purpose, subject, email })
    await outboxIn(tx).enqueue(verifyEmail, email, { link: terms.links.verifyEmail(token), at: at.toUTCString() })
  }

  function mayMailRegistration(tx: Db, kind: 'registration' | 'address_in_use', email: string, { ip }: Caller) {
    return allowancesIn(tx).spendRegistration(kind, email, clientNetwork(ip))
  }

  async function createUser(tx: Db, person: NewUser, passwordHash: string, caller: Caller): Promise<User> {
    const user = await usersIn(tx).create(person)
    await passwordsIn(tx).create(user.id, passwordHash)
    await recordEvent(tx, { type: 'user_registered', userId: user.id }, caller)
    return user
  }

  /** Which of the two was taken, once the database has said that one of them is. */
  async function takenField({ username }: NewUser): Promise<AuthError> {
    return (await usersIn(db).usernameIsTaken(username))
      ? new AuthError(userErrors.username_taken)
      : new AuthError(userErrors.email_taken)
  }

  async function registerAtOnce<Result>(
    person: NewUser,
    passwordHash: string,
    caller: Caller,
    welcome: (tx: Db, user: User) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await transaction(async (tx) => {
        const { email } = person
        // Without its mail the account is made all the same; a link can be asked for.
        const mayMail = await mayMailRegistration(tx, 'registration', email, caller)
        const user = await createUser(tx, person, passwordHash, caller)
        const order = { purpose: 'verify_email', subject: String(user.id), email, at: clock.now() } as const
        if (mayMail) await mailToken(tx, order, caller)
        return welcome(tx, user)
      })
    } catch (error) {
      throw isUniqueViolation(error) ? await takenField(person) : error
    }
  }

  async function registerLater(person: NewUser, passwordHash: string, caller: Caller): Promise<void> {
    await transaction(async (tx) => {
      const user = await usersIn(tx).findByEmail(person.email)
      // Kept for a known address too, though nothing can verify it: a login with its password is answered alike.
      const { id, createdAt } = await registrationsIn(tx).create(person, passwordHash)
      const { email } = person
      // Without its own mail an attempt waits all the same; whoever made it can ask for a link.
      const mayMail = await mayMailRegistration(tx, user ? 'address_in_use' : 'registration', email, caller)
      await evenly(tx, 1, mayMail ? [id] : [], async (subject = randomUUID()) => {
        const order = { purpose: 'verify_registration', subject, email, at: createdAt } as const
        if (!user) return mailToken(tx, order, caller)
        // For the time that it takes: nobody is ever told the token.
        await mailTokensIn(tx).issue(order)
        await outboxIn(tx).enqueue(addressInUse, email, {})
      })
      await recordEvent(
        tx,
        user
          ? { type: 'registration_repeated', userId: user.id }
          : { type: 'registration_started', facts: { registration: id } },
        caller,
      )
    })
  }

  async function verifyUser(token: string, userId: number, email: string, caller: Caller): Promise<void> {
    await transaction(async (tx) => {
      const spent = await mailTokensIn(tx).spend({ purpose: 'verify_email', token })
      if (!spent || !(await usersIn(tx).markEmailVerified(userId, email))) {
        throw new AuthError(authErrors.verification_token_invalid)
      }
      await recordEvent(tx, { type: 'email_verified', userId }, caller)
    })
  }

  /**
   * The verified registration becomes the user, with its own password. Those of its address wait on in vain: were they
   * deleted, a login with one of their passwords would begin to be answered otherwise and tell that the address was verified.
   */
  async function completeRegistration(token: string, id: string, caller: Caller): Promise<void> {
    const registration = await registrationsIn(db).find(id)
    if (!registration) throw new AuthError(authErrors.verification_token_invalid)
    const { username, email, firstName, lastName, phoneNumber, timezone, passwordHash } = registration
    try {
      await transaction(async (tx) => {
        if (!(await mailTokensIn(tx).spend({ purpose: 'verify_registration', token }))) {
          throw new AuthError(authErrors.verification_token_invalid)
        }
        const person = { username, email, firstName, lastName, phoneNumber, timezone, emailVerifiedAt: clock.now() }
        const { id: userId } = await createUser(tx, person, passwordHash, caller)
        await registrationsIn(tx).disarm(id)
        await recordEvent(tx, { type: 'email_verified', userId }, caller)
      })
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      const addressWasFaster = (await usersIn(db).findByEmail(email)) !== null
      throw new AuthError(
        addressWasFaster ? authErrors.verification_token_invalid : authErrors.username_taken_meanwhile,
      )
    }
  }

  async function register<Result>(
    person: NewUser,
    password: string,
    caller: Caller,
    welcome: (tx: Db, user: User) => Promise<Result>,
  ): Promise<Result | undefined> {
    refuseForeignAddress(person.username, person.email)
    policy(password, 'password', person)
    const { verificationRequired } = caller.terms
    // One's own address can be the username of no other account than that of the address, which must not show.
    const mustNotShow = verificationRequired && usernameKey(person.username) === person.email
    if (!mustNotShow && (await usersIn(db).usernameIsTaken(person.username)))
      throw new AuthError(userErrors.username_taken)
    if (!verificationRequired && (await usersIn(db).findByEmail(person.email)))
      throw new AuthError(userErrors.email_taken)
    const passwordHash = await hasher.hash(password, caller.network)
    if (!verificationRequired) return registerAtOnce(person, passwordHash, caller, welcome)
    await registerLater(person, passwordHash, caller)
    return undefined
  }

  return {
    register: (person, password, caller) =>
      register(person, password, caller, (tx, user) => login.welcome(tx, user, caller)),
    createAccount: (person, password, caller) =>
      register(person, password, caller, async (_tx, user) => users.present(user, caller.terms)),

    async verify(token, caller) {
      const ofUser = await mailTokensIn(db).find({ purpose: 'verify_email', token })
      if (ofUser) return verifyUser(token, Number(ofUser.subject), ofUser.email, caller)
      const ofRegistration = await mailTokensIn(db).find({ purpose: 'verify_registration', token })
      if (ofRegistration) return completeRegistration(token, ofRegistration.subject, caller)
      throw new AuthError(authErrors.verification_token_invalid)
    },

    async resend(email, caller) {
      const user = await usersIn(db).findByEmail(email)
      const waiting = await registrationsIn(db).listWaiting(email)
      await transaction(async (tx) => {
        // Asked for every address, and nothing remains without: the tokens that were mailed last stay alive.
        const unverified = user ? unverifiedIn(user) : waiting.map(waitingAs)
        const mail = { isMailed: unverified.length > 0, isVerified: false }
        const mayMail = await allowancesIn(tx).spendAsked('resend_verification', email, mail)
        await evenly(tx, mostWaiting, mayMail ? unverified : [], async (one) => {
          const { event, ...order } = one ?? waitingAs({ id: randomUUID(), createdAt: clock.now() })
          await mailToken(tx, { ...order, email }, caller)
          await recordEvent(tx, { type: 'verification_resent', ...event }, caller)
        })
        // After the tokens, as a verification takes them: in another order the two can deadlock. Prolonged for a known
        // address too, as a login with its password tells whether it waits.
        await registrationsIn(tx).prolong(mayMail ? waiting.map(({ id }) => id) : [])
      })
    },
  }
}
