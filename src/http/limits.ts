import type { Request, RequestHandler } from 'express'
import type { Options, Store } from 'express-rate-limit'
import { rateLimit } from 'express-rate-limit'
import { clientNetwork, clientSite } from '../kernel/address.ts'
import { AuthError, requestErrors } from '../kernel/errors.ts'
import type { SharedCounter, SharedCounters } from '../kernel/ports.ts'
import { clientAddress } from './identify.ts'

interface BudgetFacts {
  /** How many requests one client network may send, to whichever endpoint of whichever contract draws on the budget. */
  readonly perMinute: number
  /**
   * Whether it guards what takes a password or sends mail: such requests are refused while they cannot be counted, and
   * are counted by the site of an IPv6 address as well.
   */
  readonly costly: boolean
  readonly reason: string
}

const changes = 'A row changes, or a token is judged: applications do so in parallel and from behind one office address'
const reads = 'Reads with a live session'

export const budgets = {
  register: {
    perMinute: 30,
    costly: true,
    reason: 'A hash and, mostly, a mail: a person registers once, an office of people on one address a few times',
  },
  logIn: {
    perMinute: 30,
    costly: true,
    reason: 'A hash; what a guesser may try at one account is the business of the account itself',
  },
  issueRefreshToken: { perMinute: 30, costly: true, reason: 'A hash, as for a login' },
  changePassword: { perMinute: 30, costly: true, reason: 'Two hashes and a mail' },
  resetPassword: { perMinute: 30, costly: true, reason: 'A hash and a mail' },
  verifyEmail: { perMinute: 30, costly: true, reason: 'Five comparisons, or a hash' },
  forgotPassword: { perMinute: 30, costly: true, reason: 'A mail to whomever the caller names' },
  resendVerification: { perMinute: 30, costly: true, reason: 'A mail to whomever the caller names' },
  refreshTokens: { perMinute: 120, costly: false, reason: changes },
  renewTokens: { perMinute: 120, costly: false, reason: changes },
  verifyToken: { perMinute: 120, costly: false, reason: changes },
  logOut: { perMinute: 120, costly: false, reason: changes },
  logOutEverywhere: { perMinute: 120, costly: false, reason: changes },
  endSession: { perMinute: 120, costly: false, reason: changes },
  changeProfile: { perMinute: 120, costly: false, reason: changes },
  readSession: { perMinute: 600, costly: false, reason: reads },
  listSessions: { perMinute: 600, costly: false, reason: reads },
  readProfile: { perMinute: 600, costly: false, reason: reads },
} as const satisfies Record<string, BudgetFacts>

export type Budget = keyof typeof budgets

const windowMs = 60_000

/** A /48 has room for 256 client networks, each with a budget of its own; together they get so many budgets. */
const budgetsPerSite = 8

/**
 * One counter per budget and client network, in the memory of this process unless all instances share it. Built at
 * start: a limiter made at the first request would count nothing.
 */
export function createLimiter(budget: Budget, sharedCounters?: SharedCounters): RequestHandler {
  const { perMinute, costly } = budgets[budget]
  const limiter = (name: string, options: Partial<Options>) =>
    rateLimit({
      identifier: name,
      windowMs,
      ...(sharedCounters && { store: asStore(sharedCounters(name, windowMs)) }),
      passOnStoreError: !costly,
      // Whoever keeps the counts says that they cannot be kept, once and not at every request.
      logger: { warn: nothing, error: nothing },
      legacyHeaders: false,
      // Which proxies to believe is decided once, for the whole app.
      validate: false,
      handler: (request, _response, next) => {
        next(new AuthError(requestErrors.rate_limited, { retryAfterSeconds: secondsToReset(request) }))
      },
      ...options,
    })
  const ofNetwork = limiter(budget, {
    limit: perMinute,
    standardHeaders: 'draft-8',
    keyGenerator: (request) => clientNetwork(clientAddress(request)),
  })
  if (!costly) return ofNetwork
  // The second to count: what one client network sends beyond its budget takes nothing from its neighbours.
  const ofSite = limiter(`${budget}:site`, {
    limit: perMinute * budgetsPerSite,
    standardHeaders: false,
    skip: (request) => clientSite(clientAddress(request)) === undefined,
    keyGenerator: (request) => clientSite(clientAddress(request)) ?? '',
  })
  return (request, response, next) => {
    ofNetwork(request, response, (refusal?: unknown) => (refusal ? next(refusal) : ofSite(request, response, next)))
  }
}

/** The library asks for ways to take counts back, too; nothing here does. */
function asStore({ increment }: SharedCounter): Store {
  return { increment, decrement: nothing, resetKey: nothing }
}

function nothing(): void {}

function secondsToReset(request: Request & { rateLimit?: { resetTime?: Date | undefined } }): number {
  const resetAt = request.rateLimit?.resetTime?.getTime() ?? Date.now() + windowMs
  return Math.max(1, Math.ceil((resetAt - Date.now()) / 1000))
}
