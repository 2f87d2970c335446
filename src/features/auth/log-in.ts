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
import { authEvents } from './events.ts'
import type { LoggedIn } from './schemas.ts'
import type { RegistrationStore } from './store.ts'

interface Login {
  /** A username or an e-mail address. */
  readonly identifier: string
  readonly password: string
}

/** From a username and a password to a session. */
export interface LoginService {
  /** Throws `credentials_invalid`, alike for all that can be wrong, or what a gate says after the right password. */
  logIn(login: Login, caller: Caller): Promise<LoggedIn>
  /** Opens a session of the user, who has proven or just set this password, and answers with its tokens. */
  openSession(
    stores: Pick<Stores, 'sessions'>,
    login: { readonly user: User; readonly password: ConfirmedPassword; readonly passed: readonly string[] },
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
  async function logIn({ identifier, password }: Login, caller: Caller): Promise<LoggedIn> {
    // Begin an attempt. It counts as a failure until it has succeeded; after too many failures it is refused.
    const loggedIn = await passwords.attempt(
      { identifier, failure: authEvents.login_failed },
      caller,
      async (verifyPassword) => {
        const proof = await verifyPassword(password)
        if (!proof) return undefined
        // Open a session. The same statement confirms that the password is still the proven one, and clears the failures.
        return openSession(stores, { user: proof.user, password: proof, passed: ['password'] }, caller)
      },
    )
    if (loggedIn) return loggedIn
    // By now the failure is counted and recorded, in the same time for a wrong password, an unknown user and a refusal.
    if (caller.policy.verificationRequired) await explainPending({ identifier, password }, caller)
    throw new AuthError(passwordErrors.credentials_invalid)
  }

  async function openSession(
    within: Pick<Stores, 'sessions'>,
    login: { readonly user: User; readonly password: ConfirmedPassword; readonly passed: readonly string[] },
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
   * Tells a user whose registration waits that the address has to be verified, but only with the right password; and
   * likewise when the address belongs to a user already, as the difference would show that. Every failure costs
   * a second comparison here.
   */
  async function explainPending({ identifier, password }: Login, caller: Caller): Promise<void> {
    const pending = await stores.registrations.findNewest(identifier)
    const ifRight = new AuthError(sessionErrors.email_not_verified)
    await passwords.verifyPendingPassword({ name: identifier, password, pending, ifRight }, caller)
  }

  return { logIn, openSession }
}
