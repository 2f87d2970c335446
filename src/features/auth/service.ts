import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { Passwords } from '../password/index.ts'
import type { SessionService, SessionStore } from '../session/index.ts'
import type { Throttle } from '../throttle/index.ts'
import type { UserService } from '../user/index.ts'
import type { LoginService } from './log-in.ts'
import { createLogin } from './log-in.ts'
import type { RegistrationService, RegistrationStores } from './registration.ts'
import { createRegistration } from './registration.ts'
import type { VerificationService, VerificationStores } from './verification.ts'
import { createVerification } from './verification.ts'

/** Logging in, registering, and verifying the address. */
export interface Auth {
  readonly login: LoginService
  readonly registration: RegistrationService
  readonly verification: VerificationService
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'hasher' | 'signer'>
  readonly work: UnitOfWork<RegistrationStores & VerificationStores & { readonly sessions: SessionStore }>
  readonly users: UserService
  readonly sessions: SessionService
  readonly passwords: Passwords
  readonly throttle: Throttle
}

export function createAuth({ ports, work, users, sessions, passwords, throttle }: Needs): Auth {
  const login = createLogin({ ports, work, users, sessions, passwords, throttle })
  return {
    login,
    registration: createRegistration({ ports, work, profiles: users, passwords, login }),
    verification: createVerification({ ports, work, passwords }),
  }
}
