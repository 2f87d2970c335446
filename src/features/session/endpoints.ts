import { z } from 'zod'
import { endpoint } from '../../http/endpoint.ts'
import { AuthError } from '../../kernel/errors.ts'
import { Detail, text } from '../../kernel/schemas.ts'
import type { UserService } from '../user/index.ts'
import { UserReply } from '../user/index.ts'
import { gateErrors, sessionErrors } from './errors.ts'
import {
  mostCounted,
  mostListed,
  PageLimit,
  SessionPage,
  SessionReply,
  Token,
  TokenFacts,
  TokenPair,
} from './schemas.ts'
import type { SessionService } from './service.ts'

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
  subject: 'sessions',
  description:
    'Answers with the next pair; the session goes on, and the refresh token is spent. Repeated within the grace window it gets the same pair. Later it counts as a copy: the session ends, and the user is mailed.',
  route: 'POST /access_token',
  summary: 'Trade a refresh token for a new pair',
  access: 'refresh',
  limit: 'refreshTokens',
  input: z.strictObject({ refresh_token: Token }),
  status: 200,
  output: TokenPair,
  errors: refusedRefresh,
  handle: async ({ sessions, users }: Needs & { readonly users: UserService }, { refresh_token }, caller) => {
    const { pair, user } = await sessions.refresh(refresh_token, caller)
    return { ...pair, user: users.present(user, caller.terms) }
  },
})

export const issueAccessToken = endpoint({
  name: 'issueAccessToken',
  subject: 'sessions',
  description:
    'Answers with a new access token. The refresh token stays what it is, and neither its life nor that of the session is prolonged.',
  route: 'POST /access_token_alone',
  summary: 'An access token for a refresh token, which stays what it is',
  access: 'refresh',
  limit: 'refreshTokens',
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
  limit: 'renewTokens',
  input: z.strictObject({}),
  status: 200,
  output: TokenPair,
  errors: [...refusedRefresh, sessionErrors.renewal_by_access_token_disabled],
} as const

export const readTokens = endpoint({
  ...renewal,
  name: 'readTokens',
  subject: 'sessions',
  description:
    'Answers with the next pair for the session of the access token, whose tokens are replaced, although it is a GET. An access token that was replaced counts as a copy after the grace window: the session ends, and the user is mailed. The audit trail has each renewal. TOKENS_BY_BEARER=off closes it.',
  route: 'GET /tokens',
  changes: true,
  handle: ({ sessions }: Needs, _input, caller) => sessions.renew(caller),
})

export const renewTokens = endpoint({
  ...renewal,
  name: 'renewTokens',
  subject: 'sessions',
  description:
    'Answers with the next pair for the session of the access token, whose tokens are replaced. An access token that was replaced counts as a copy after the grace window: the session ends, and the user is mailed. The audit trail has each renewal. TOKENS_BY_BEARER=off closes it.',
  route: 'POST /tokens',
  handle: ({ sessions }: Needs, _input, caller) => sessions.renew(caller),
})

export const verifyToken = endpoint({
  name: 'verifyToken',
  subject: 'sessions',
  description:
    'Says whether this server would accept the access or refresh token now, and whom it stands for. Changes nothing. For services that have to know at once that a session has ended.',
  route: 'POST /verify_token',
  summary: 'Whether a token would be accepted now, and what it stands for',
  access: 'public',
  limit: 'verifyToken',
  input: z.strictObject({ token: Token }),
  status: 200,
  output: TokenFacts,
  errors: [],
  handle: ({ sessions }: Needs, { token }, caller) => sessions.introspect(token, caller),
})

export const requireToken = endpoint({
  name: 'requireToken',
  subject: 'sessions',
  description:
    'Answers with nothing if this server would accept the access or refresh token now, and refuses it otherwise. Changes nothing.',
  route: 'POST /require_token',
  summary: 'Nothing, if the token would be accepted now',
  access: 'public',
  limit: 'verifyToken',
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

export const logOut = endpoint({
  name: 'logOut',
  subject: 'sessions',
  description:
    'Ends the session; its access tokens are refused from the next request on. With both tokens, the sessions of both end. Doing it again is no error while the token lives.',
  route: 'POST /logout',
  logsOut: true,
  summary: 'End the session of the refresh token or of the caller; doing it twice is fine',
  access: 'bearer_or_refresh',
  limit: 'logOut',
  input: z.strictObject({ refresh_token: Token.optional() }),
  status: 200,
  output: Detail,
  errors: [sessionErrors.token_invalid, sessionErrors.access_token_expired],
  handle: async ({ sessions }: Needs, { refresh_token }, caller) => {
    await sessions.logOut(refresh_token, caller)
    return { detail: 'You are logged out' }
  },
})

export const logOutEverywhere = endpoint({
  name: 'logOutEverywhere',
  subject: 'sessions',
  description: 'Ends all sessions of the user, this one too, and says how many there were. Devices stay known.',
  route: 'POST /logout_all',
  logsOut: true,
  summary: 'End all sessions of the caller',
  access: 'bearer',
  limit: 'logOutEverywhere',
  input: z.strictObject({}),
  status: 200,
  output: Detail.extend({
    sessions_ended: z.int().max(mostCounted).meta({ description: 'Beyond 10,000 they are not counted' }),
  }),
  errors: [],
  handle: async ({ sessions }: Needs, _input, caller) => ({
    detail: 'You are logged out everywhere',
    sessions_ended: await sessions.logOutEverywhere(caller),
  }),
})

export const readSession = endpoint({
  name: 'readSession',
  subject: 'sessions',
  description: 'Reads the session of the access token and its account. Changes nothing.',
  route: 'GET /session',
  summary: 'The session and the account of the caller',
  access: 'bearer',
  limit: 'readSession',
  input: z.strictObject({}),
  status: 200,
  output: z.object({ session: SessionReply, user: UserReply }),
  errors: [],
  handle: async ({ sessions, users }: Needs & { readonly users: UserService }, _input, { session, user, terms }) => ({
    session: sessions.present(session, session),
    user: users.present(user, terms),
  }),
})

export const listSessions = endpoint({
  name: 'listSessions',
  subject: 'sessions',
  description:
    'Lists the live sessions of the user, newest first, with the one of the access token marked. Changes nothing.',
  route: 'GET /sessions',
  summary: 'The live sessions of the caller, newest first, in pages',
  access: 'bearer',
  limit: 'listSessions',
  input: z.strictObject({
    cursor: text({ max: 64 })
      .meta({ description: 'The next_cursor of the page before; absent or empty for the first page' })
      .optional(),
    limit: PageLimit.optional(),
  }),
  status: 200,
  output: SessionPage,
  errors: [sessionErrors.cursor_invalid],
  handle: ({ sessions }: Needs, { cursor = '', limit = mostListed }, caller) =>
    sessions.list({ cursor: cursor === '' ? undefined : cursor, limit }, caller),
})

export const endSession = endpoint({
  name: 'endSession',
  subject: 'sessions',
  description:
    'Ends one session of the user, which may be the one of the access token. A session of another user is answered like one that does not exist.',
  route: 'DELETE /sessions/{id}',
  summary: 'End one of the sessions of the caller',
  access: 'bearer',
  limit: 'endSession',
  input: z.strictObject({ id: z.string() }),
  status: 204,
  output: z.undefined(),
  errors: [sessionErrors.session_not_found],
  handle: async ({ sessions }: Needs, { id }, caller) => {
    await sessions.end(id, caller)
    return undefined
  },
})
