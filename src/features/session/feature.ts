import * as endpoints from './endpoints.ts'
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
}
