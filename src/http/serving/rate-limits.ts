import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { Options, Store } from 'express-rate-limit'
import { rateLimit } from 'express-rate-limit'
import { clientNetwork, clientSite } from '../../kernel/address.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { SharedCounter, SharedCounters } from '../../kernel/ports.ts'
import type { Bucket, RateClass } from '../contracts/endpoint.ts'
import { bucketOf } from '../contracts/endpoint.ts'
import { clientAddress } from './caller.ts'

const windowMs = 60_000

/** A /48 has room for 256 client networks, each with a budget of its own; together they get so many budgets. */
const budgetsPerSite = 8

type Limited = Parameters<typeof bucketOf>[0]

/** Counts the requests of an endpoint and refuses those beyond the limit of one client network per minute. */
export type LimiterOf = (endpoint: Limited) => RequestHandler

/**
 * One counter per bucket of the endpoints and client network, in the memory of this process unless all instances share it. Built at
 * start: a limiter made at the first request would count nothing.
 */
export function createLimiters(
  endpoints: readonly Limited[],
  /** Requests per minute of one client network to the endpoints of one bucket, through all contracts together; 0: any number. */
  requestsPerMinute: Readonly<Record<RateClass, number>>,
  sharedCounters?: SharedCounters,
): LimiterOf {
  const limiters = new Map<string, { readonly class: RateClass; readonly limit: RequestHandler }>()
  for (const { class: rateClass, bucket } of endpoints.map(bucketOf)) {
    const known = limiters.get(bucket)
    if (known && known.class !== rateClass) {
      throw new Error(`the bucket ${bucket} is of the classes ${known.class} and ${rateClass}`)
    }
    const perMinute = requestsPerMinute[rateClass]
    const limit =
      known?.limit ??
      (perMinute > 0 ? createLimiter({ class: rateClass, bucket }, perMinute, sharedCounters) : unlimited)
    limiters.set(bucket, { class: rateClass, limit })
  }
  return (endpoint) => limiters.get(bucketOf(endpoint).bucket)?.limit ?? unlimited
}

function unlimited(_request: Request, _response: Response, next: NextFunction): void {
  next()
}

function createLimiter(
  { class: rateClass, bucket }: Bucket,
  perMinute: number,
  sharedCounters: SharedCounters | undefined,
): RequestHandler {
  const costly = rateClass === 'costly'
  const limiter = (name: string, options: Partial<Options>) =>
    rateLimit({
      identifier: name,
      windowMs,
      ...(sharedCounters && { store: asStore(sharedCounters(name, windowMs)) }),
      passOnStoreError: !costly,
      // The store of the counts logs that it is unavailable, once and not at every request.
      logger: { warn: nothing, error: nothing },
      legacyHeaders: false,
      // Which proxies to believe is decided once, for the whole app.
      validate: false,
      handler: (request, _response, next) => {
        next(new AuthError(requestErrors.rate_limited, { retryAfterSeconds: secondsToReset(request) }))
      },
      ...options,
    })
  const ofNetwork = limiter(bucket, {
    limit: perMinute,
    standardHeaders: 'draft-8',
    keyGenerator: (request) => clientNetwork(clientAddress(request)),
  })
  if (!costly) return ofNetwork
  // The second to count: what one client network sends beyond its budget takes nothing from its neighbours.
  const ofSite = limiter(`${bucket}:site`, {
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
