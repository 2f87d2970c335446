import type { Endpoint } from '../http/contracts/endpoint.ts'
import { auth } from './auth/feature.ts'
import type { LoginService, RegistrationService, VerificationService } from './auth/index.ts'
import { password } from './password/feature.ts'
import type { PasswordService } from './password/index.ts'
import { session } from './session/feature.ts'
import type { SessionService } from './session/index.ts'
import { user } from './user/feature.ts'
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

/** What a feature brings along; each exports one from its feature.ts. */
interface Feature {
  readonly name: string
  /** In the order in which documents have them. */
  readonly endpoints: readonly Endpoint<FeatureServices>[]
}

/** The one list of features, in the order in which documents have them. */
export const features: readonly Feature[] = [auth, session, password, user]
