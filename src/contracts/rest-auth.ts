import { z } from 'zod'
import * as auth from '../features/auth/endpoints.ts'
import { verificationView } from '../features/auth/pages.ts'
import type { FeatureServices } from '../features/index.ts'
import * as password from '../features/password/endpoints.ts'
import { passwordResetView } from '../features/password/pages.ts'
import * as tokens from '../features/session/token-endpoints.ts'
import * as user from '../features/user/endpoints.ts'
import { UserReply } from '../features/user/schemas.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { asIs, serve } from '../http/contracts/contract.ts'
import { Detail } from '../kernel/schemas.ts'
import { commonDifferences, phoneDifference } from './django/differences.ts'
import { django } from './django/error-format.ts'
import { Address, BlankableText, confirms, Password, ProfileText, Text } from './django/fields.ts'
import { accessAnswered, logOutRow, nothingAnswered, pairAnswered } from './django/tokens.ts'

const Account = z.object({ username: z.string(), email: z.string(), first_name: z.string(), last_name: z.string() })

const asksForReset = { wire: z.object({ email: Address }), reply: Detail, to: asIs }

/** Two published services with one prefix: accounts that must be verified, refresh tokens that stay. */
export const restAuth: Contract<FeatureServices> = {
  name: 'rest-auth',
  title: 'Accounts with verified addresses',
  prefix: '/api/auth',
  trailingSlash: true,
  takesForms: true,
  errorFormat: django,
  policy: {
    verificationRequired: true,
    linkCompletesRegistration: true,
    ownPages: {
      verifyEmailPath: '/api/auth/verify-email/?token={token}',
      resetPasswordPath: '/api/auth/password-reset-confirm/{uid}/{token}/',
    },
  },
  differences: [
    'Registering gets the same answer for known and unknown addresses, so the profile in the answer has no id yet.',
    'GET verify-email/ verifies only for a program that says so: its Accept names application/json, or it is a fetch() of this origin or one of CORS_ORIGINS. It completes the registration that the mail is about; the mail says when that was made. Links that our own API mails do nothing there.',
    'All others, browsers and mail scanners among them, get a page that asks for the password of the registration or for a new one, and POST verify-email/ takes either beside the token: any client can register any address. A token that did its work is answered with 200 again.',
    'A reset link that is opened shows a form, but for programs that ask for JSON in that way.',
    ...commonDifferences,
    phoneDifference,
    'Resetting the password ends all sessions of the user.',
    'Another username needs an authentication of the last minutes (REAUTHENTICATE_AFTER): otherwise PUT profile/ answers 403 with the code step_required, and the user logs in again.',
    'Logging out revokes the access tokens of the session as well, and says 205 a second time.',
  ],
  rows: [
    serve('POST /register/', auth.createAccount, {
      wire: z
        .object({
          email: Address,
          username: Text,
          password: Password,
          password2: Password.optional(),
          first_name: BlankableText.optional(),
          last_name: BlankableText.optional(),
        })
        .superRefine(confirms('password2', 'password')),
      reply: Account,
      to: asIs,
    }),
    serve('GET /verify-email/', auth.verifyEmailByLink, {
      wire: z.object({ token: z.string() }),
      reply: Detail,
      to: asIs,
      page: verificationView(''),
    }),
    serve('POST /verify-email/', auth.verifyEmail, {
      wire: z.object({
        token: Text,
        password: Password.optional(),
        new_password: Password.optional(),
        username: Text.optional(),
      }),
      reply: Detail,
      to: asIs,
    }),
    serve('POST /login/', auth.logIn, {
      wire: z.object({ username: Text.optional(), email: Text.optional(), password: Password }),
      from: { username: ['username', 'email'] },
      ...pairAnswered,
    }),
    serve('POST /login/refresh/', tokens.issueAccessToken, accessAnswered),
    serve('POST /token/refresh/', tokens.issueAccessToken, accessAnswered),
    serve('POST /token/verify/', tokens.requireToken, nothingAnswered),
    logOutRow,
    serve('POST /password-reset/', password.forgotPassword, asksForReset),
    serve('PATCH /password-reset-confirm/{uidb64}/{token}/', password.resetPasswordOfUser, {
      wire: z.object({ uidb64: z.string(), token: z.string(), password: Password }),
      from: { uid: 'uidb64', new_password: 'password' },
      reply: Detail,
      to: asIs,
      page: passwordResetView({ method: 'PATCH', target: '', field: 'password' }),
    }),
    serve('POST /password/reset/request/', password.forgotPassword, asksForReset),
    serve('POST /password/reset/confirm/', password.resetPassword, {
      wire: z
        .object({ token: Text, new_password: Password, new_password_confirm: Password })
        .superRefine(confirms('new_password_confirm', 'new_password')),
      reply: Detail,
      to: asIs,
    }),
    serve('GET /profile/', user.readProfile, { wire: z.object({}), reply: UserReply, to: asIs }),
    serve('PUT /profile/', user.changeProfile, { wire: ProfileText, reply: UserReply, to: asIs }),
  ],
}
