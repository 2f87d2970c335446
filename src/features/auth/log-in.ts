import type { Caller } from '../../kernel/caller.ts'
import type { Database, Db, User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { TokenSigner } from '../../kernel/ports.ts'
import type { PasswordCheck, PasswordProof } from '../password/index.ts'
import { firstVersion, passwordErrors } from '../password/index.ts'
import type { SessionStore } from '../session/index.ts'
import { sessionErrors, tokenPair } from '../session/index.ts'
import type { TrustedDevices } from '../throttle/index.ts'
import type { UserService } from '../user/index.ts'
import type { LoggedIn } from './schemas.ts'
import type { RegistrationStore } from './store.ts'

/** From a username and a password to a session. */
export interface LoginService {
  /** Throws `credentials_invalid`, alike for all that can be wrong, or what a gate says after the right password. */
  logIn(credentials: { identifier: string; password: string }, caller: Caller): Promise<LoggedIn>
  /** Opens a session inside the transaction of what has just made the user, or with the proof of the password. */
  openSession(tx: Db, user: User, caller: Caller, proof?: PasswordProof): Promise<LoggedIn>
}

export function createLoginService({
  db,
  signer,
  users,
  check,
  devices,
  sessionsIn,
  registrationsIn,
}: Pick<Database, 'db'> & {
  signer: TokenSigner
  users: UserService
  check: PasswordCheck
  devices: TrustedDevices
  sessionsIn: (db: Db) => SessionStore
  registrationsIn: (db: Db) => RegistrationStore
}): LoginService {
  async function openSession(tx: Db, user: User, caller: Caller, proof?: PasswordProof): Promise<LoggedIn> {
    const session = await sessionsIn(tx).open(user, caller, proof && check.confirmation(proof))
    if (!session) throw new AuthError(passwordErrors.credentials_invalid)
    return {
      ...tokenPair(session, session.user, signer),
      user: users.present(session.user, caller.policy),
      ...devices.issue(user.id, proof?.version ?? firstVersion),
    }
  }

  /**
   * Somebody who has registered and not yet verified learns so, but only with the right password; and likewise when the
   * address belongs to a user already, as the difference would tell so. A failure costs two hashes here, whoever fails.
   */
  async function refuse(identifier: string, password: string, caller: Caller): Promise<never> {
    if (!caller.policy.verificationRequired) throw new AuthError(passwordErrors.credentials_invalid)
    const waiting = await registrationsIn(db).findNewest(identifier)
    const ifRight = new AuthError(sessionErrors.email_not_verified)
    await check.verifyPendingPassword({ name: identifier, password, waiting, ifRight }, caller)
    throw new AuthError(passwordErrors.credentials_invalid)
  }

  return {
    openSession,
    async logIn({ identifier, password }, caller) {
      const loggedIn = await check.prove({ identifier }, password, caller, (proof) =>
        openSession(db, proof.user, caller, proof),
      )
      return loggedIn ?? refuse(identifier, password, caller)
    },
  }
}
