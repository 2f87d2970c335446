import { z } from 'zod'
import * as auth from '../features/auth/endpoints.ts'
import type { FeatureServices } from '../features/index.ts'
import * as password from '../features/password/endpoints.ts'
import * as session from '../features/session/endpoints.ts'
import * as tokens from '../features/session/token-endpoints.ts'
import * as user from '../features/user/endpoints.ts'
import type { UserReply } from '../features/user/schemas.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { serve } from '../http/contracts/contract.ts'
import { Detail } from '../kernel/schemas.ts'
import { commonDifferences } from './django/differences.ts'
import { djangoWith } from './django/error-format.ts'
import { Address, BlankableText, confirms, Password, Text } from './django/fields.ts'
import { accessAnswered, nothingAnswered, refreshSent } from './django/tokens.ts'

const Person = z.object({
  pk: z.int(),
  username: z.string(),
  email: z.string(),
  first_name: z.string(),
  last_name: z.string(),
})
const LoggedIn = z.object({ access: z.string(), refresh: z.string().optional(), user: Person })

const toPerson = ({ id, ...user }: z.infer<typeof UserReply>) => ({ pk: id, ...user })
const toLoggedIn = (result: { access_token: string; refresh_token: string; user: z.infer<typeof UserReply> }) => ({
  access: result.access_token,
  refresh: result.refresh_token,
  user: toPerson(result.user),
})
const refused = (body: object) => ({ status: 400, body })
/** A message that clients compare, in place of ours. */
const says = (detail: string) => ({ reply: Detail, to: () => ({ detail }) })
/** An empty one counts as not sent. */
const Identifier = z.preprocess((value) => (value === '' ? undefined : value), Text.optional()).optional()
const Names = z.object({ first_name: BlankableText.optional(), last_name: BlankableText.optional() })

/** The default paths of dj-rest-auth, with its setting USE_JWT. */
export const djRestAuth: Contract<FeatureServices> = {
  name: 'dj-rest-auth',
  title: 'dj-rest-auth',
  prefix: '/dj-rest-auth',
  trailingSlash: true,
  takesForms: true,
  errorFormat: djangoWith({
    public: {
      credentials_invalid: refused({ non_field_errors: ['Unable to log in with provided credentials.'] }),
      email_not_verified: refused({ non_field_errors: ['E-mail is not verified.'] }),
      reset_token_invalid: refused({ token: ['Invalid value'] }),
      verification_token_invalid: { status: 404, body: { detail: 'Not found.' } },
    },
    bearer: {
      current_password_wrong: refused({
        old_password: ['Your old password was entered incorrectly. Please enter it again.'],
      }),
    },
  }),
  policy: {},
  differences: [
    'Answers are those with USE_JWT; a session in a cookie or a key of authtoken is not opened.',
    'A session ends at the logout with its refresh token or with an access token. Without either, the answer is 401.',
    'password/change/ always asks for old_password.',
    'A key of registration/verify-email/ that did its work is answered with ok again. Where the settings require verification, the password of the registration, or new_password, stands beside the key.',
    'Another username needs an authentication of the last minutes (REAUTHENTICATE_AFTER): otherwise user/ answers 403 with the code step_required, and the user logs in again.',
    'The uid of password/reset/confirm/ is not looked at, as a token belongs to one user.',
    'Resetting the password ends all sessions of the user, and changing it all others.',
    ...commonDifferences,
  ],
  rows: [
    serve('POST /login/', auth.logIn, {
      wire: z.object({ username: Identifier, email: Identifier, password: Password }),
      from: { username: ['email', 'username'] },
      reply: LoggedIn,
      to: toLoggedIn,
    }),
    serve('POST /logout/', session.logOut, {
      wire: refreshSent.wire.partial(),
      from: refreshSent.from,
      ...says('Successfully logged out.'),
    }),
    serve('GET /user/', user.readProfile, { wire: z.object({}), reply: Person, to: toPerson }),
    serve('PUT /user/', user.changeProfile, { wire: Names.extend({ username: Text }), reply: Person, to: toPerson }),
    serve('PATCH /user/', user.changeProfile, {
      wire: Names.extend({ username: Text.optional() }),
      reply: Person,
      to: toPerson,
    }),
    serve('POST /password/change/', password.changePasswordKeepingTokens, {
      wire: z
        .object({ old_password: Password, new_password1: Password, new_password2: Password })
        .superRefine(confirms('new_password2', 'new_password1')),
      from: { current_password: 'old_password', new_password: 'new_password1' },
      ...says('New password has been saved.'),
    }),
    serve('POST /password/reset/', password.forgotPassword, {
      wire: z.object({ email: Address }),
      ...says('Password reset e-mail has been sent.'),
    }),
    serve('POST /password/reset/confirm/', password.resetPassword, {
      wire: z
        .object({ uid: Text.optional(), token: Text, new_password1: Password, new_password2: Password })
        .superRefine(confirms('new_password2', 'new_password1')),
      from: { new_password: 'new_password1' },
      ...says('Password has been reset with the new password.'),
    }),
    serve('POST /token/refresh/', tokens.issueAccessToken, accessAnswered),
    serve('POST /token/verify/', tokens.requireToken, nothingAnswered),
    serve('POST /registration/', auth.register, {
      wire: z
        .object({ username: Text, email: Address, password1: Password, password2: Password })
        .superRefine(confirms('password2', 'password1')),
      from: { password: 'password1' },
      reply: z.union([LoggedIn, Detail]),
      to: (result) => ('access_token' in result ? toLoggedIn(result) : { detail: 'Verification e-mail sent.' }),
    }),
    serve('POST /registration/verify-email/', auth.verifyEmail, {
      wire: z.object({ key: Text, password: Password.optional(), new_password: Password.optional() }),
      from: { token: 'key' },
      ...says('ok'),
    }),
    serve('POST /registration/resend-email/', auth.resendVerification, {
      wire: z.object({ email: Address }),
      ...says('ok'),
    }),
  ],
}
