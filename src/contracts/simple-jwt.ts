import { z } from 'zod'
import * as auth from '../features/auth/endpoints.ts'
import type { FeatureServices } from '../features/index.ts'
import * as password from '../features/password/endpoints.ts'
import * as session from '../features/session/endpoints.ts'
import type { Contract } from '../http/contract.ts'
import { serve } from '../http/contract.ts'
import { Detail } from '../kernel/schemas.ts'
import { django, Password, Text } from './django.ts'

const Refresh = z.object({ refresh: Text })
const Person = z.object({ id: z.int(), username: z.string(), email: z.string() })
const Pair = z.object({ access: z.string(), refresh: z.string().optional() })

const toPair = ({ access_token, refresh_token }: { access_token: string; refresh_token: string }) => ({
  access: access_token,
  refresh: refresh_token,
})

/** A published service with short sessions: registering, logging in, one protected place. */
export const simpleJwt: Contract<FeatureServices> = {
  name: 'simple-jwt',
  title: 'Short sessions',
  prefix: '/api',
  trailingSlash: true,
  dialect: django,
  terms: { lifetimes: { accessLifetime: 5 * 60, refreshLifetime: 86_400 } },
  differences: [
    'Where the settings require verification, the answer to a registration has no id yet: the account is made when its address is verified.',
    'Bodies are JSON: forms are refused with 415.',
    'Spaces around a password belong to it.',
    'Common passwords, and those that are the username or the address, are refused.',
    'Changing the password ends the other sessions of the user.',
    'Logging out revokes the access tokens of the session as well, and says 205 a second time.',
  ],
  rows: [
    serve('POST /register/', auth.createAccount, {
      wire: z.object({ username: Text, email: Text, password: Password }),
      reply: Person.partial({ id: true }),
      to: (result) => result,
    }),
    serve('POST /login/', auth.logIn, {
      wire: z.object({ username: Text, password: Password }),
      reply: Pair,
      to: toPair,
    }),
    serve('POST /refresh/', session.refreshTokens, {
      wire: Refresh,
      from: { refresh_token: 'refresh' },
      reply: Pair,
      to: toPair,
    }),
    serve('POST /logout/', session.logOut, {
      wire: Refresh,
      from: { refresh_token: 'refresh' },
      status: 205,
      reply: z.undefined(),
      to: () => undefined,
    }),
    serve('GET /protected/', session.readSession, {
      wire: z.object({}),
      reply: Detail.extend({ user: Person }),
      to: ({ user }) => ({ detail: 'You are logged in', user }),
    }),
    serve('POST /change-password/', password.changePasswordKeepingTokens, {
      wire: z.object({ old_password: Password, new_password: Password }),
      from: { current_password: 'old_password' },
      reply: Detail,
      to: (result) => result,
    }),
  ],
}
