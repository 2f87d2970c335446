import { deleteEndedSessions } from './end-all.ts'
import * as endpoints from './endpoints.ts'
import { sessionEvents } from './events.ts'
import { verifiedEmailGate } from './gates.ts'
import { sessionCopied } from './mail-templates.ts'
import * as tokens from './token-endpoints.ts'

export const session = {
  name: 'session',
  endpoints: [
    tokens.refreshTokens,
    tokens.issueAccessToken,
    tokens.readTokens,
    tokens.renewTokens,
    tokens.verifyToken,
    tokens.requireToken,
    endpoints.logOut,
    endpoints.logOutEverywhere,
    endpoints.readSession,
    endpoints.listSessions,
    endpoints.endSession,
  ],
  events: sessionEvents,
  mailTemplates: [sessionCopied],
  cleanUpJobs: { sessions: deleteEndedSessions },
  gates: [verifiedEmailGate],
}
