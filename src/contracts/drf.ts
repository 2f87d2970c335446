import { z } from 'zod'
import * as auth from '../features/auth/endpoints.ts'
import type { FeatureServices } from '../features/index.ts'
import * as password from '../features/password/endpoints.ts'
import * as session from '../features/session/endpoints.ts'
import * as tokens from '../features/session/token-endpoints.ts'
import * as user from '../features/user/endpoints.ts'
import { makeUsername, UserReply } from '../features/user/schemas.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { asIs, serve } from '../http/contracts/contract.ts'
import { commonDifferences, phoneDifference } from './django/differences.ts'
import { django } from './django/error-format.ts'
import { Address, BlankableText, confirms, Password, ProfileText, Text } from './django/fields.ts'

const Profile = UserReply.omit({ username: true, email_verified: true })
const Message = z.object({ message: z.string() })
const Tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string().optional(),
  token_type: z.literal('bearer'),
  expires_in: z.int(),
  user: Profile,
})
const Pending = z.object({ message: z.string(), email: z.string() })

const toMessage = ({ detail }: { detail: string }) => ({ message: detail })

/** A published service with logins by address, which answers with profiles. */
export const drf: Contract<FeatureServices> = {
  name: 'drf',
  title: 'Accounts by address',
  prefix: '/api/v1/drf/auth',
  trailingSlash: true,
  takesForms: true,
  errorFormat: django,
  policy: { lifetimes: { accessLifetime: 30 * 60, refreshLifetime: 7 * 86_400 } },
  differences: [
    'Accounts get a random username, which shows in the other contracts and can be changed there.',
    'Where the settings require verification, registering answers with a message and the address instead of tokens.',
    ...commonDifferences,
    phoneDifference,
    'A password may resemble the username that an account was given: the user did not choose it.',
    'Changing the password ends the other sessions of the user.',
    'Logging out revokes the access tokens of the session as well, and says so a second time.',
  ],
  rows: [
    serve('POST /register/', auth.register, {
      wire: z
        .object({
          email: Address,
          password: Password,
          password_confirm: Password,
          first_name: BlankableText,
          last_name: BlankableText,
        })
        .superRefine(confirms('password_confirm', 'password')),
      from: { username: makeUsername },
      reply: z.union([Tokens, Pending]),
      to: (result) => ('access_token' in result ? result : { message: result.detail, email: result.email }),
    }),
    serve('POST /login/', auth.logIn, {
      wire: z.object({ email: Address, password: Password }),
      from: { username: 'email' },
      reply: Tokens,
      to: asIs,
    }),
    serve('POST /logout/', session.logOut, {
      wire: z.object({ refresh_token: Text }),
      reply: Message,
      to: toMessage,
    }),
    serve('POST /token/refresh/', tokens.refreshTokens, {
      wire: z.object({ refresh_token: Text }),
      reply: Tokens,
      to: asIs,
    }),
    serve('GET /me/', user.readProfile, { wire: z.object({}), reply: Profile, to: asIs }),
    serve('PATCH /me/', user.changeProfile, {
      wire: ProfileText.omit({ username: true }),
      reply: Profile,
      to: asIs,
    }),
    serve('POST /change-password/', password.changePasswordKeepingTokens, {
      wire: z
        .object({ current_password: Password, new_password: Password, new_password_confirm: Password.optional() })
        .superRefine(confirms('new_password_confirm', 'new_password')),
      reply: Message,
      to: toMessage,
    }),
  ],
}
