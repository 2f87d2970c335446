import { z } from 'zod'
import { endpoint } from '../../http/contracts/endpoint.ts'
import { Detail, text } from '../../kernel/schemas.ts'
import type { UserService } from '../user/index.ts'
import { UserReply } from '../user/index.ts'
import { sessionErrors } from './errors.ts'
import { mostCounted, mostListed, PageLimit, SessionPage, SessionReply, Token } from './schemas.ts'
import type { SessionService } from './service.ts'
import { sessionReply } from './session-reply.ts'
import { sessionTopic } from './topic.ts'

interface Needs {
  readonly sessions: SessionService
}

const loggedOut = { refresh: () => 'forgotten' as const }

export const logOut = endpoint({
  name: 'logOut',
  topic: sessionTopic,
  description:
    'Ends the session; its access tokens are refused from the next request on. With both tokens, the sessions of both end. Doing it again is no error while the token lives.',
  route: 'POST /logout',
  logsOut: true,
  summary: 'End the session of the refresh token or of the caller; doing it twice is fine',
  access: 'bearer_or_refresh',
  limit: 'change',
  input: z.strictObject({ refresh_token: Token.optional() }),
  status: 200,
  output: Detail,
  errors: [sessionErrors.token_invalid, sessionErrors.access_token_expired],
  handle: async ({ sessions }: Needs, { refresh_token }, caller) => {
    await sessions.logOut(refresh_token, caller)
    return { detail: 'You are logged out' }
  },
  cookies: loggedOut,
})

export const logOutEverywhere = endpoint({
  name: 'logOutEverywhere',
  topic: sessionTopic,
  description:
    'Ends all sessions of the user, this one too, and says how many there were. Only for a user who has authenticated recently. Devices stay trusted.',
  route: 'POST /logout_all',
  logsOut: true,
  summary: 'End all sessions of the caller',
  access: 'bearer',
  limit: 'change',
  input: z.strictObject({}),
  status: 200,
  output: Detail.extend({
    sessions_ended: z.int().max(mostCounted).meta({ description: 'Beyond 10,000 they are not counted' }),
  }),
  errors: [],
  fresh: '10m',
  handle: async ({ sessions }: Needs, _input, caller) => ({
    detail: 'You are logged out everywhere',
    sessions_ended: await sessions.logOutEverywhere(caller),
  }),
  cookies: loggedOut,
})

export const readSession = endpoint({
  name: 'readSession',
  topic: sessionTopic,
  description:
    'Reads the session of the access token and its account. With an access token of Django, which is accepted where DJANGO_ACCESS_TOKENS is on, there is no session yet. Changes nothing.',
  route: 'GET /session',
  summary: 'The session and the account of the caller',
  access: 'bearer_to_read',
  limit: 'read',
  input: z.strictObject({}),
  status: 200,
  output: z.object({
    session: SessionReply.nullable().meta({ description: 'Null with an access token of Django' }),
    user: UserReply,
  }),
  errors: [],
  handle: async ({ users }: { readonly users: UserService }, _input, { session, user, policy }) => ({
    session: session ? sessionReply(session, session) : null,
    user: users.present(user, policy),
  }),
})

export const listSessions = endpoint({
  name: 'listSessions',
  topic: sessionTopic,
  description:
    'Lists the live sessions of the user, newest first, with the one of the access token marked. Changes nothing.',
  route: 'GET /sessions',
  summary: 'The live sessions of the caller, newest first, in pages',
  access: 'bearer_to_read',
  limit: 'read',
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
  topic: sessionTopic,
  description:
    'Ends one session of the user, which may be the one of the access token; any other only for a user who has authenticated recently. A session of another user is answered like one that does not exist.',
  route: 'DELETE /sessions/{id}',
  summary: 'End one of the sessions of the caller',
  access: 'bearer',
  limit: 'change',
  input: z.strictObject({ id: z.string() }),
  status: 204,
  output: z.undefined(),
  errors: [sessionErrors.session_not_found],
  fresh: '10m',
  // A stolen access token must not shut the user out (ASVS 7.5.2).
  freshWhen: ({ id }, { session }) => id !== session.id,
  handle: async ({ sessions }: Needs, { id }, caller) => {
    await sessions.end(id, caller)
    return undefined
  },
})
