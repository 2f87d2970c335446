import * as auth from '../features/auth/endpoints.ts'
import type { FeatureServices } from '../features/index.ts'
import * as password from '../features/password/endpoints.ts'
import * as session from '../features/session/endpoints.ts'
import * as tokens from '../features/session/token-endpoints.ts'
import * as user from '../features/user/endpoints.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { native } from '../http/contracts/contract.ts'
import { problemDetails } from '../http/contracts/error-format.ts'

/** Our own API: every endpoint as it is declared. */
export const v1: Contract<FeatureServices> = {
  name: 'v1',
  title: 'Our own API',
  prefix: '/api/v1/auth',
  trailingSlash: false,
  takesForms: false,
  errorFormat: problemDetails,
  policy: {},
  differences: [],
  rows: [
    native(auth.register),
    native(auth.logIn),
    native(auth.issueRefreshToken),
    native(auth.verifyEmail),
    native(auth.resendVerification),
    native(tokens.refreshTokens),
    native(tokens.readTokens),
    native(tokens.renewTokens),
    native(tokens.verifyToken),
    native(session.logOut),
    native(session.logOutEverywhere),
    native(session.readSession),
    native(session.listSessions),
    native(session.endSession),
    native(password.forgotPassword),
    native(password.resetPassword),
    native(password.changePassword),
    native(user.readProfile),
    native(user.changeProfile),
    native(user.replaceProfile),
  ],
}
