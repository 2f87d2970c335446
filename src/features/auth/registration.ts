import type { Caller } from '../../kernel/caller.ts'
import type { Database, Db } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, PasswordHasher } from '../../kernel/ports.ts'
import type { MailTokens, Outbox } from '../mail/index.ts'
import type { PasswordPolicy, PasswordStore } from '../password/index.ts'
import type { NewUser, UserStore } from '../user/index.ts'
import { refuseField, refuseForeignAddress } from '../user/index.ts'
import { authErrors } from './errors.ts'
import { addressInUse, verifyEmail } from './letters.ts'
import type { LoggedIn, LoginService } from './login.ts'
import type { RegistrationStore } from './registrations.ts'

/** From a stranger to a user with a verified address. */
export interface RegistrationService {
  /**
   * Creates the user and logs in; or, where verification is required, mails a token and answers nothing that tells
   * whether the address has an account. Throws what is wrong with username, address or password.
   */
  register(person: NewUser, password: string, caller: Caller): Promise<LoggedIn | undefined>
  /** Spends a verification token. Throws `verification_token_invalid` or `username_taken_meanwhile`. */
  verify(token: string, caller: Caller): Promise<void>
  /** Mails a new token if something with this address waits to be verified. */
  resend(email: string, caller: Caller): Promise<void>
}

export function createRegistrationService({
  db,
  transaction,
  clock,
  hasher,
  policy,
  login,
  usersIn,
  passwordsIn,
  registrationsIn,
  mailTokensIn,
  outboxIn,
  recordEvent,
  emailVerification,
}: Pick<Database, 'db' | 'transaction'> & {
  clock: Clock
  hasher: PasswordHasher
  policy: PasswordPolicy
  login: LoginService
  usersIn: (db: Db) => UserStore
  passwordsIn: (db: Db) => PasswordStore
  registrationsIn: (db: Db) => RegistrationStore
  mailTokensIn: (db: Db) => MailTokens
  outboxIn: (db: Db) => Outbox
  recordEvent: EventRecorder
  emailVerification: 'optional' | 'required'
}): RegistrationService {
  async function mailToken(tx: Db, purpose: 'verify_email' | 'verify_registration', subject: string, email: string) {
    const token = await mailTokensIn(tx).issue({ purpose, subject, email })
    await outboxIn(tx).enqueue(verifyEmail, email, { token })
  }

  async function createUser(tx: Db, person: NewUser, passwordHash: string, caller: Caller): Promise<number> {
    const { id } = await usersIn(tx).create(person)
    await passwordsIn(tx).create(id, passwordHash)
    await recordEvent(tx, { type: 'user_registered', userId: id }, caller)
    return id
  }

  /** Which of the two was taken, once the database has said that one of them is. */
  async function takenField({ username }: NewUser): Promise<AuthError> {
    return (await usersIn(db).usernameIsTaken(username))
      ? refuseField('username_taken', 'username')
      : refuseField('email_taken', 'email')
  }

  async function registerAtOnce(person: NewUser, passwordHash: string, caller: Caller): Promise<LoggedIn> {
    try {
      return await transaction(async (tx) => {
        const userId = await createUser(tx, person, passwordHash, caller)
        await mailToken(tx, 'verify_email', String(userId), person.email)
        return login.welcome(tx, userId, caller)
      })
    } catch (error) {
      throw isUniqueViolation(error) ? await takenField(person) : error
    }
  }

  async function registerLater(person: NewUser, passwordHash: string, caller: Caller): Promise<void> {
    await transaction(async (tx) => {
      const user = await usersIn(tx).findByEmail(person.email)
      // Kept for a known address too, though nothing can verify it: a login with its password is answered alike.
      const { id } = await registrationsIn(tx).create(person, passwordHash)
      if (user) {
        await outboxIn(tx).enqueue(addressInUse, user.email, {})
        await recordEvent(tx, { type: 'registration_repeated', userId: user.id }, caller)
      } else {
        await mailToken(tx, 'verify_registration', id, person.email)
        await recordEvent(tx, { type: 'registration_started' }, caller)
      }
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
        const userId = await createUser(tx, person, passwordHash, caller)
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

  return {
    async register(person, password, caller) {
      refuseForeignAddress(person.username, person.email)
      policy(password, 'password', person)
      if (await usersIn(db).usernameIsTaken(person.username)) throw refuseField('username_taken', 'username')
      const required = emailVerification === 'required'
      if (!required && (await usersIn(db).findByEmail(person.email))) throw refuseField('email_taken', 'email')
      const passwordHash = await hasher.hash(password)
      if (!required) return registerAtOnce(person, passwordHash, caller)
      await registerLater(person, passwordHash, caller)
      return undefined
    },

    async verify(token, caller) {
      const ofUser = await mailTokensIn(db).find({ purpose: 'verify_email', token })
      if (ofUser) return verifyUser(token, Number(ofUser.subject), ofUser.email, caller)
      const ofRegistration = await mailTokensIn(db).find({ purpose: 'verify_registration', token })
      if (ofRegistration) return completeRegistration(token, ofRegistration.subject, caller)
      throw new AuthError(authErrors.verification_token_invalid)
    },

    async resend(email, caller) {
      const user = await usersIn(db).findByEmail(email)
      if (user?.emailVerifiedAt || user?.disabledAt) return
      const waiting = user ? null : await registrationsIn(db).findNewest(email)
      await transaction(async (tx) => {
        if (user) {
          await mailToken(tx, 'verify_email', String(user.id), email)
          await recordEvent(tx, { type: 'verification_resent', userId: user.id }, caller)
        } else if (waiting) {
          await registrationsIn(tx).prolong(waiting.id)
          await mailToken(tx, 'verify_registration', waiting.id, email)
          await recordEvent(tx, { type: 'verification_resent' }, caller)
        }
      })
    },
  }
}
