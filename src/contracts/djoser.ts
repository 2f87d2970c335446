import { z } from 'zod'
import * as auth from '../features/auth/endpoints.ts'
import type { FeatureServices } from '../features/index.ts'
import * as password from '../features/password/endpoints.ts'
import * as session from '../features/session/endpoints.ts'
import * as tokens from '../features/session/token-endpoints.ts'
import * as user from '../features/user/endpoints.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { asIs, serve } from '../http/contracts/contract.ts'
import { commonDifferences } from './django/differences.ts'
import { djangoWith } from './django/error-format.ts'
import { Address, confirms, Password, Text } from './django/fields.ts'
import { accessAnswered, nothingAnswered, pairAnswered, refreshSent } from './django/tokens.ts'

const Person = z.object({ email: z.string(), id: z.int(), username: z.string() })

const done = { status: 204, reply: z.undefined(), to: () => undefined } as const
const badToken = { status: 400, body: { token: ['Invalid token for given user.'] } }

/** The default paths of djoser with SimpleJWT. */
export const djoser: Contract<FeatureServices> = {
  name: 'djoser',
  title: 'djoser',
  prefix: '/auth',
  trailingSlash: true,
  takesForms: true,
  errorFormat: djangoWith({
    public: { reset_token_invalid: badToken, verification_token_invalid: badToken },
    bearer: { current_password_wrong: { status: 400, body: { current_password: ['Invalid password.'] } } },
  }),
  policy: {},
  differences: [
    'Access tokens are sent as Bearer. A session ends at token/logout/ with an access token or with its refresh token as refresh in the body; both are refused from then on.',
    'Where the settings require verification, the answer to a registration has no id yet: the account is made by users/activation/, which takes the password of the registration, or new_password, beside the token. A token that did its work is answered with 204 again.',
    'A uid is not looked at, as a token belongs to one user.',
    'users/me/ is read only: usernames and names are changed in another contract, and an address is not changed.',
    'Resetting the password ends all sessions of the user, and changing it all others.',
    ...commonDifferences,
  ],
  rows: [
    serve('POST /users/', auth.createAccount, {
      wire: z
        .object({ email: Address, username: Text, password: Password, re_password: Password.optional() })
        .superRefine(confirms('re_password', 'password')),
      reply: Person.partial({ id: true }),
      to: asIs,
    }),
    serve('POST /users/activation/', auth.verifyEmail, {
      wire: z.object({
        uid: Text.optional(),
        token: Text,
        password: Password.optional(),
        new_password: Password.optional(),
      }),
      ...done,
    }),
    serve('POST /users/resend_activation/', auth.resendVerification, { wire: z.object({ email: Address }), ...done }),
    serve('GET /users/me/', user.readProfile, { wire: z.object({}), reply: Person, to: asIs }),
    serve('POST /users/set_password/', password.changePasswordKeepingTokens, {
      wire: z
        .object({ current_password: Password, new_password: Password, re_new_password: Password.optional() })
        .superRefine(confirms('re_new_password', 'new_password')),
      ...done,
    }),
    serve('POST /users/reset_password/', password.forgotPassword, { wire: z.object({ email: Address }), ...done }),
    serve('POST /users/reset_password_confirm/', password.resetPassword, {
      wire: z
        .object({ uid: Text.optional(), token: Text, new_password: Password, re_new_password: Password.optional() })
        .superRefine(confirms('re_new_password', 'new_password')),
      ...done,
    }),
    serve('POST /jwt/create/', auth.logIn, { wire: z.object({ username: Text, password: Password }), ...pairAnswered }),
    serve('POST /jwt/refresh/', tokens.issueAccessToken, accessAnswered),
    serve('POST /jwt/verify/', tokens.requireToken, nothingAnswered),
    serve('POST /token/logout/', session.logOut, {
      wire: refreshSent.wire.partial(),
      from: refreshSent.from,
      ...done,
    }),
  ],
}
