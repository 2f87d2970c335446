export { UserChangedError } from './auth-fetch.ts'
export type { AuthClient } from './create-auth-client.ts'
export { createAuthClient } from './create-auth-client.ts'
export type { components, paths } from './generated/openapi.ts'
export { ProblemError } from './problem.ts'
export type {
  AuthClientOptions,
  AuthState,
  Credentials,
  EndReason,
  InputOf,
  Operation,
  PendingRegistration,
  Problem,
  Registration,
  ReplyOf,
  Session,
  Step,
  User,
} from './types.ts'
