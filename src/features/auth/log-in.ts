import type { Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { Passwords } from '../password/index.ts'
import { passwordErrors } from '../password/index.ts'
import type { ConfirmedPassword, SessionService, SessionStore } from '../session/index.ts'
import { sessionErrors, tokenPair } from '../session/index.ts'
import type { Throttle } from '../throttle/index.ts'
import type { UserService } from '../user/index.ts'
import type { LoggedIn } from './schemas.ts'
import type { RegistrationStore } from './store.ts'

/** From a username and a password to a session. */
export interface LoginService {
  /** Throws `credentials_invalid`, alike for all that can be wrong, or what a gate says after the right password. */
  logIn(credentials: { identifier: string; password: string }, caller: Caller): Promise<LoggedIn>
  /** Opens a session of the user, who has proven or just set this password, and answers with its tokens. */
  openSession(
    stores: Pick<Stores, 'sessions'>,
    login: { readonly user: User; readonly password: ConfirmedPassword },
    caller: Caller,
  ): Promise<LoggedIn>
}

interface Stores {
  readonly sessions: SessionStore
  readonly registrations: RegistrationStore
}

interface Needs {
  readonly ports: Pick<Ports, 'signer'>
  readonly work: Pick<UnitOfWork<Stores>, 'stores'>
  readonly users: UserService
  readonly sessions: SessionService
  readonly passwords: Passwords
  readonly throttle: Throttle
}

export function createLogin({ ports, work: { stores }, users, sessions, passwords, throttle }: Needs): LoginService {
  async function logIn(
    { identifier, password }: { identifier: string; password: string },
    caller: Caller,
  ): Promise<LoggedIn> {
    // The attempt begins: it counts as a failure until it has succeeded. A wrong password ends it here.
    const loggedIn = await passwords.verifyPassword({ identifier }, password, caller, (proof) =>
      // The one statement that opens the session confirms the password and clears the failures too: the attempt succeeds.
      openSession(stores, { user: proof.user, password: proof }, caller),
    )
    return loggedIn ?? refuse(identifier, password, caller)
  }

  async function openSession(
    within: Pick<Stores, 'sessions'>,
    login: { readonly user: User; readonly password: ConfirmedPassword },
    caller: Caller,
  ): Promise<LoggedIn> {
    const session = await sessions.open(within, login, caller)
    if (!session) throw new AuthError(passwordErrors.credentials_invalid)
    return {
      ...tokenPair(session, session.user, ports.signer),
      user: users.present(session.user, caller.policy),
      ...throttle.devices.issue(login.user.id, login.password.version),
    }
  }

  /**
   * Where verification is required, a user whose registration waits learns so, but only with the right password; and
   * likewise when the address belongs to a user already, as the difference would tell so. A failure costs two hashes
   * here, whoever fails.
   */
  async function refuse(identifier: string, password: string, caller: Caller): Promise<never> {
    if (!caller.policy.verificationRequired) throw new AuthError(passwordErrors.credentials_invalid)
    const pending = await stores.registrations.findNewest(identifier)
    const ifRight = new AuthError(sessionErrors.email_not_verified)
    await passwords.verifyPendingPassword({ name: identifier, password, pending, ifRight }, caller)
    throw new AuthError(passwordErrors.credentials_invalid)
  }

  return { logIn, openSession }
}
