import type { Caller } from '../../kernel/caller.ts'
import type { Database, Db, Sql, User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { PasswordHasher, TokenSigner } from '../../kernel/ports.ts'
import type { PasswordService, PasswordStore } from '../password/index.ts'
import { passwordErrors } from '../password/index.ts'
import type { SessionStore } from '../session/index.ts'
import { pairOf, sessionErrors } from '../session/index.ts'
import type { UserService, UserStore } from '../user/index.ts'
import type { LoggedIn } from './schemas.ts'
import type { RegistrationStore } from './store.ts'

/** From a username and a password to a session. */
export interface LoginService {
  /** Throws `credentials_invalid`, alike for all that can be wrong, or what a gate says after the right password. */
  logIn(credentials: { identifier: string; password: string }, caller: Caller): Promise<LoggedIn>
  /** Opens a session inside the transaction of whatever has just proven who this is, or with a statement that proves it. */
  welcome(tx: Db, user: User, caller: Caller, proof?: Sql): Promise<LoggedIn>
}

export function createLoginService({
  db,
  hasher,
  signer,
  users,
  passwords,
  usersIn,
  passwordsIn,
  sessionsIn,
  registrationsIn,
}: Pick<Database, 'db'> & {
  hasher: PasswordHasher
  signer: TokenSigner
  users: UserService
  passwords: PasswordService
  usersIn: (db: Db) => UserStore
  passwordsIn: (db: Db) => PasswordStore
  sessionsIn: (db: Db) => SessionStore
  registrationsIn: (db: Db) => RegistrationStore
}): LoginService {
  async function welcome(tx: Db, user: User, caller: Caller, proof?: Sql): Promise<LoggedIn> {
    const session = await sessionsIn(tx).open(user, caller, proof)
    if (!session) throw new AuthError(passwordErrors.credentials_invalid)
    return { ...pairOf(session, session.user, signer), user: users.present(session.user, caller.terms) }
  }

  /**
   * Somebody who has registered and not yet verified learns so, but only with the right password; and likewise when the
   * address belongs to a user already, as the difference would tell so. A failure costs two hashes here, whoever fails.
   */
  async function refuse(identifier: string, password: string, { terms }: Caller): Promise<never> {
    if (!terms.verificationRequired) throw new AuthError(passwordErrors.credentials_invalid)
    const waiting = await registrationsIn(db).findNewest(identifier)
    const matches = await hasher.verify(password, waiting?.passwordHash)
    throw new AuthError(matches ? sessionErrors.email_not_verified : passwordErrors.credentials_invalid)
  }

  return {
    welcome,
    async logIn({ identifier, password }, caller) {
      const user: User | null = await usersIn(db).findByIdentifier(identifier)
      const proof = await passwords.prove(user?.id, password)
      if (!user || user.disabledAt || !proof) return refuse(identifier, password, caller)
      return welcome(db, user, caller, passwordsIn(db).confirmation(proof))
    },
  }
}
