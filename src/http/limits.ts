import type { Request, RequestHandler } from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { AuthError, requestErrors } from '../kernel/errors.ts'
import { clientAddress } from './identify.ts'

/** Requests per minute that one address may send to one endpoint, whatever contract they come through. */
const budgets = {
  /** Takes a password or sends a mail: a person needs a few, a guesser many. */
  strict: 30,
  /** Takes a token: applications refresh in parallel and from behind one office address. */
  normal: 120,
  /** Reads with a live session. */
  relaxed: 600,
} as const

export type Budget = keyof typeof budgets

const windowSeconds = 60

/** One counter per endpoint and address. Built at start: a limiter made at the first request would count nothing. */
export function createLimiter(name: string, budget: Budget): RequestHandler {
  return rateLimit({
    identifier: name,
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
