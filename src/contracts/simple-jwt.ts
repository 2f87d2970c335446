import { z } from 'zod'
import * as auth from '../features/auth/endpoints.ts'
import type { FeatureServices } from '../features/index.ts'
import * as password from '../features/password/endpoints.ts'
import * as session from '../features/session/endpoints.ts'
import * as tokens from '../features/session/token-endpoints.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { asIs, serve } from '../http/contracts/contract.ts'
import { Detail } from '../kernel/schemas.ts'
import { commonDifferences } from './django/differences.ts'
import { django } from './django/error-format.ts'
import { Address, Password, Text } from './django/fields.ts'
import { logOutRow, pairAnswered, refreshSent } from './django/tokens.ts'

const Person = z.object({ id: z.int(), username: z.string(), email: z.string() })

/** A published service with short sessions: registering, logging in, one protected route. */
export const simpleJwt: Contract<FeatureServices> = {
  name: 'simple-jwt',
  title: 'Short sessions',
  prefix: '/api',
  trailingSlash: true,
  takesForms: true,
  errorFormat: django,
  policy: { lifetimes: { accessLifetime: 5 * 60, refreshLifetime: 86_400 } },
  differences: [
    'Where the settings require verification, the answer to a registration has no id yet: the account is made when its address is verified.',
    ...commonDifferences,
    'Changing the password ends the other sessions of the user.',
    'Logging out revokes the access tokens of the session as well, and says 205 a second time.',
  ],
  rows: [
    serve('POST /register/', auth.createAccount, {
      wire: z.object({ username: Text, email: Address, password: Password }),
      reply: Person.partial({ id: true }),
      to: asIs,
    }),
    serve('POST /login/', auth.logIn, {
      wire: z.object({ username: Text, password: Password }),
      ...pairAnswered,
    }),
    serve('POST /refresh/', tokens.refreshTokens, {
      ...refreshSent,
      ...pairAnswered,
    }),
    logOutRow,
    serve('GET /protected/', session.readSession, {
      wire: z.object({}),
      reply: Detail.extend({ user: Person }),
      to: ({ user }) => ({ detail: 'You are logged in', user }),
    }),
    serve('POST /change-password/', password.changePasswordKeepingTokens, {
      wire: z.object({ old_password: Password, new_password: Password }),
      from: { current_password: 'old_password' },
      reply: Detail,
      to: asIs,
    }),
  ],
}
