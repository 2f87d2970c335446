import type { AuthenticatedCaller } from '../../kernel/caller.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Events } from '../../kernel/events.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { PasswordStore, Passwords } from '../password/index.ts'
import type { SessionService, SessionStore } from '../session/index.ts'
import type { AttemptStore } from '../throttle/index.ts'
import { reauthenticationErrors } from './errors.ts'
import { reauthenticationEvents } from './events.ts'
import type { ReauthenticationStore } from './store.ts'

/** Proves again, within a session, that the caller is its user. */
export interface ReauthenticationService {
  /** Notes in the session that the password was shown again, and says when. Throws `password_wrong`. */
  reauthenticate(password: string, caller: AuthenticatedCaller): Promise<Date>
}

interface Stores {
  readonly sessions: SessionStore
  readonly passwords: PasswordStore
  readonly attempts: AttemptStore
  readonly events: Events
  readonly reauthentications: ReauthenticationStore
}

interface Needs {
  readonly work: Pick<UnitOfWork<Stores>, 'transaction'>
  readonly sessions: SessionService
  readonly passwords: Passwords
}

export function createReauthentication({ work, sessions, passwords }: Needs): ReauthenticationService {
  return {
    async reauthenticate(password, caller) {
      const { user, session } = caller
      const claim = { session, identifier: user.username, failure: reauthenticationEvents.reauthentication_failed }
      const noted = await passwords.attempt(claim, caller, async (verifyPassword) => {
        const proof = await verifyPassword(password)
        if (!proof) return undefined
        return work.transaction(async (within) => {
          // The password before its failures, as a change takes them: in another order the two can deadlock.
          if (!(await within.passwords.confirm(proof))) throw new AuthError(reauthenticationErrors.password_wrong)
          await within.attempts.clearFailures(proof.throttleKeys)
          await sessions.requireLive(within, caller)
          const event = { type: reauthenticationEvents.reauthenticated, userId: user.id, sessionId: session.id }
          const authenticatedAt = await within.reauthentications.note(session.id)
          await within.events.record(event, caller)
          return authenticatedAt
        })
      })
      if (!noted) throw new AuthError(reauthenticationErrors.password_wrong)
      return noted
    },
  }
}
