import type { Request, RequestHandler } from 'express'
import type { Options, Store } from 'express-rate-limit'
import { rateLimit } from 'express-rate-limit'
import { clientNetwork, clientSite } from '../../kernel/address.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { SharedCounter, SharedCounters } from '../../kernel/ports.ts'
import { clientAddress } from './caller.ts'

/**
 * What requests cost. `costly`: a password is taken or a mail sent; such requests are refused while they cannot be counted, and
 * are counted by the site of an IPv6 address as well.
 */
type RateClass = 'costly' | 'change' | 'read'

interface BudgetFacts {
  readonly class: RateClass
  readonly reason: string
}

const changes = 'A row changes, or a token is judged: applications do so in parallel and from behind one office address'
const reads = 'Reads with a live session'

export const budgets = {
  register: {
    class: 'costly',
    reason: 'A hash and, mostly, a mail: a person registers once, an office of people on one address a few times',
  },
  logIn: {
    class: 'costly',
    reason: 'A hash; what a guesser may try at one account is the business of the account itself',
  },
  issueRefreshToken: { class: 'costly', reason: 'A hash, as for a login' },
  changePassword: { class: 'costly', reason: 'Two hashes and a mail' },
  resetPassword: { class: 'costly', reason: 'A hash and a mail' },
  verifyEmail: { class: 'costly', reason: 'Five comparisons, or a hash' },
  forgotPassword: { class: 'costly', reason: 'A mail to whomever the caller names' },
  resendVerification: { class: 'costly', reason: 'A mail to whomever the caller names' },
  refreshTokens: { class: 'change', reason: changes },
  renewTokens: { class: 'change', reason: changes },
  verifyToken: { class: 'change', reason: changes },
  logOut: { class: 'change', reason: changes },
  logOutEverywhere: { class: 'change', reason: changes },
  endSession: { class: 'change', reason: changes },
  changeProfile: { class: 'change', reason: changes },
  readSession: { class: 'read', reason: reads },
  listSessions: { class: 'read', reason: reads },
  readProfile: { class: 'read', reason: reads },
} as const satisfies Record<string, BudgetFacts>

export type Budget = keyof typeof budgets

const windowMs = 60_000

/** A /48 has room for 256 client networks, each with a budget of its own; together they get so many budgets. */
const budgetsPerSite = 8

/**
 * One counter per budget and client network, in the memory of this process unless all instances share it. Built at
 * start: a limiter made at the first request would count nothing.
 */
export function createLimiter(
  budget: Budget,
  /** How many requests one client network may send, to whichever endpoint of whichever contract draws on the budget. */
  perMinute: number,
  sharedCounters?: SharedCounters,
): RequestHandler {
  const costly = budgets[budget].class === 'costly'
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
