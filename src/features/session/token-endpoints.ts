import { z } from 'zod'
import { endpoint } from '../../http/contracts/endpoint.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { UserService } from '../user/index.ts'
import { gateErrors, sessionErrors } from './errors.ts'
import { Token, TokenIntrospection, TokenPair } from './schemas.ts'
import type { SessionService } from './service.ts'
import { refreshCookie } from './token-pair.ts'
import { sessionTopic } from './topic.ts'

interface Needs {
  readonly sessions: SessionService
}

const refusedRefresh = [
  sessionErrors.token_invalid,
  sessionErrors.refresh_token_expired,
  sessionErrors.refresh_token_reused,
  sessionErrors.session_revoked,
  sessionErrors.session_expired,
  ...gateErrors,
]

export const refreshTokens = endpoint({
  name: 'refreshTokens',
  topic: sessionTopic,
  description:
    'Answers with the next pair; the session goes on, and the refresh token is spent. Repeated within the grace window it gets the same pair. Later it counts as a copy: the session ends, and the user is mailed.',
  route: 'POST /access_token',
  summary: 'Trade a refresh token for a new pair',
  access: 'refresh',
  limit: { class: 'change', bucket: 'refreshTokens' },
  input: z.strictObject({ refresh_token: Token }),
  status: 200,
  output: TokenPair,
  errors: refusedRefresh,
  handle: async ({ sessions, users }: Needs & { readonly users: UserService }, { refresh_token }, caller) => {
    const { pair, user } = await sessions.refresh(refresh_token, caller)
    return { ...pair, user: users.present(user, caller.policy) }
  },
  cookies: { refresh: (result) => refreshCookie(result) },
})

export const issueAccessToken = endpoint({
  name: 'issueAccessToken',
  topic: sessionTopic,
  description:
    'Answers with a new access token. The refresh token stays the same, and neither its lifetime nor that of the session is prolonged.',
  summary: 'An access token for a refresh token, which stays the same',
  access: 'refresh',
  limit: { class: 'change', bucket: 'refreshTokens' },
  input: z.strictObject({ refresh_token: Token }),
  status: 200,
  output: z.object({ access_token: z.string() }),
  errors: refusedRefresh,
  handle: async ({ sessions }: Needs, { refresh_token }, caller) => ({
    access_token: await sessions.issueAccessToken(refresh_token, caller),
  }),
})

const renewal = {
  summary:
    'The next pair for the session of the caller; an access token that was replaced gets it during REFRESH_GRACE, and ends the session as a copy after that; off where TOKENS_BY_BEARER is off',
  access: 'bearer',
  limit: { class: 'change', bucket: 'renewTokens' },
  input: z.strictObject({}),
  status: 200,
  output: TokenPair,
  errors: [...refusedRefresh, sessionErrors.renewal_by_access_token_disabled],
} as const

export const readTokens = endpoint({
  ...renewal,
  name: 'readTokens',
  topic: sessionTopic,
  description:
    'Answers with the next pair for the session of the access token, whose tokens are replaced, although it is a GET. An access token that was replaced counts as a copy after the grace window: the session ends, and the user is mailed. Each renewal is an audit event. TOKENS_BY_BEARER=off refuses such requests.',
  route: 'GET /tokens',
  handle: ({ sessions }: Needs, _input, caller) => sessions.renew(caller),
  cookies: { refresh: (result) => refreshCookie(result) },
})

export const renewTokens = endpoint({
  ...renewal,
  name: 'renewTokens',
  topic: sessionTopic,
  description:
    'Answers with the next pair for the session of the access token, whose tokens are replaced. An access token that was replaced counts as a copy after the grace window: the session ends, and the user is mailed. Each renewal is an audit event. TOKENS_BY_BEARER=off refuses such requests.',
  route: 'POST /tokens',
  handle: ({ sessions }: Needs, _input, caller) => sessions.renew(caller),
  cookies: { refresh: (result) => refreshCookie(result) },
})

export const verifyToken = endpoint({
  name: 'verifyToken',
  topic: sessionTopic,
  description:
    'Says whether this server would accept the access or refresh token now, and its user and session. Changes nothing. For services that have to know at once that a session has ended.',
  route: 'POST /verify_token',
  summary: 'Whether a token would be accepted now, and its user and session',
  access: 'public',
  limit: { class: 'change', bucket: 'verifyToken' },
  input: z.strictObject({ token: Token }),
  status: 200,
  output: TokenIntrospection,
  errors: [],
  handle: ({ sessions }: Needs, { token }, caller) => sessions.introspect(token, caller),
})

export const requireToken = endpoint({
  name: 'requireToken',
  topic: sessionTopic,
  description:
    'Answers with nothing if this server would accept the access or refresh token now, and refuses it otherwise. Changes nothing.',
  summary: 'Nothing, if the token would be accepted now',
  access: 'public',
  limit: { class: 'change', bucket: 'verifyToken' },
  input: z.strictObject({ token: Token }),
  status: 200,
  output: z.object({}),
  errors: [sessionErrors.token_invalid],
  handle: async ({ sessions }: Needs, { token }, caller) => {
    const { active } = await sessions.introspect(token, caller)
    if (!active) throw new AuthError(sessionErrors.token_invalid)
    return {}
  },
})
