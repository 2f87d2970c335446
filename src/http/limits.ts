import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { AuthError, requestErrors } from '../kernel/errors.ts'
import { clientAddress } from './identify.ts'

/** How many requests a minute one address may send, to whichever endpoint of whichever contract draws on the budget. */
export const budgets = {
  // A hash and, mostly, a mail: a person registers once, an office of people on one address a few times.
  register: 30,
  // A hash each. What a guesser may try at one account is the business of the account itself.
  logIn: 30,
  issueRefreshToken: 30,
  changePassword: 30,
  resetPassword: 30,
  // A mail each.
  forgotPassword: 30,
  resendVerification: 30,
  // A row changes, or a token is judged: applications do so in parallel and from behind one office address.
  verifyEmail: 120,
  refreshTokens: 120,
  renewTokens: 120,
  verifyToken: 120,
  logOut: 120,
  logOutEverywhere: 120,
  endSession: 120,
  changeProfile: 120,
  // Reads with a live session.
  readSession: 600,
  listSessions: 600,
  readProfile: 600,
} as const

export type Budget = keyof typeof budgets

const windowSeconds = 60

/** One counter per budget and address. Built at start: a limiter made at the first request would count nothing. */
export function createLimiter(budget: Budget): RequestHandler {
  return rateLimit({
    identifier: budget,
    windowMs: windowSeconds * 1000,
    limit: budgets[budget],
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => ipKeyGenerator(clientAddress(request), 64),
    // Which proxies to believe is decided once, for the whole app.
    validate: false,
    handler: (request, _response, next) => {
      next(new AuthError(requestErrors.rate_limited, { retryAfterSeconds: secondsToReset(request) }))
    },
  })
}

function secondsToReset(request: Request & { rateLimit?: { resetTime?: Date | undefined } }): number {
  const resetAt = request.rateLimit?.resetTime?.getTime() ?? Date.now() + windowSeconds * 1000
  return Math.max(1, Math.ceil((resetAt - Date.now()) / 1000))
}
