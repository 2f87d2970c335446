import type { LoginService, RegistrationService, VerificationService } from './auth/index.ts'
import type { PasswordService } from './password/index.ts'
import type { SessionService } from './session/index.ts'
import type { UserService } from './user/index.ts'

/** What the endpoints of all features need. */
export interface FeatureServices {
  readonly login: LoginService
  readonly registration: RegistrationService
  readonly verification: VerificationService
  readonly sessions: SessionService
  readonly passwords: PasswordService
  readonly users: UserService
}
