import { randomUUID } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { Logger, StartRequestSpan } from '../../kernel/ports.ts'
import { clientAddress } from './caller.ts'
import { localsOf } from './locals.ts'
import { readTraceparent } from './trace-context.ts'

const longestPath = 200

/** Counts a request once its answer is out. Contract and endpoint are absent where no contract declares the path. */
export type CountRequest = (request: {
  readonly contract: string | undefined
  readonly endpoint: string | undefined
  /** Absent where the client left before the answer. */
  readonly status: number | undefined
  /** Of the error that was answered. */
  readonly code: string | undefined
  readonly seconds: number
}) => void

interface Observers {
  readonly logger: Logger
  readonly count: CountRequest | undefined
  readonly startSpan: StartRequestSpan | undefined
}

/** Gives every request an id, tells the client, and once the answer is out writes one log line and counts it. */
export function observeRequests({ logger, count, startSpan }: Observers): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now()
    const requestId = randomUUID()
    const locals = localsOf(response)
    locals.requestId = requestId
    const parent = readTraceparent(request.headers.traceparent)
    const span = startSpan?.(request.method, parent)
    const traceId = span?.traceId ?? parent?.traceId
    if (traceId !== undefined) locals.traceId = traceId
    response.setHeader('X-Request-Id', requestId)
    response.once('close', () => {
      const { contract, endpoint, path, userId, code } = locals
      // A client that left early got no answer.
      const status = response.headersSent ? response.statusCode : undefined
      const ms = performance.now() - startedAt
      span?.end({ requestId, route: path, contract, endpoint, status, code })
      count?.({ contract, endpoint, status, code, seconds: ms / 1000 })
      if (!logger.writesInfo) return
      logger.info(
        {
          request_id: requestId,
          trace_id: traceId,
          method: request.method,
          // The route where there is one: a path can hold a token. A query string is never logged.
          path: path ?? loggedPath(request.originalUrl),
          contract,
          endpoint,
          status,
          code,
          ms: Math.round(ms * 10) / 10,
          ip: clientAddress(request),
          user_id: userId,
          aborted: response.writableFinished ? undefined : true,
        },
        'request',
      )
    })
    if (span) span.run(next)
    else next()
  }
}

/** An address that led to no route: without its user, query and fragment, and without what could be a token of ours or of others. */
export function loggedPath(url: string): string {
  const address = url.replace(/[?#].*/s, '').replace(/^(\w+:\/\/)[^/]*@/, '$1')
  const steps = address.split('/')
  const harmless = steps.map((step) => (/[\w-]{20}/.test(step) ? '…' : step))
  return harmless.join('/').slice(0, longestPath)
}

/** Says once, loudly, that all clients share one address: the proxy's, as it is not trusted, or none, as it forwards none. */
export function warnOfProxies(
  logger: Logger,
  { port, trustProxy }: { port: number | string; trustProxy: number | readonly string[] },
): RequestHandler {
  let warned = false
  return ({ headers, socket }, _response, next) => {
    if (warned) return next()
    const forwards = headers['x-forwarded-for'] !== undefined
    // A connection that is closed already has no address, either.
    const isUnixSocket = typeof port === 'string' && socket.remoteAddress === undefined
    if (isUnixSocket) {
      warned = !forwards
      if (warned) {
        logger.warn(
          {},
          'requests arrive over the Unix socket without X-Forwarded-For, so all their clients share one budget; let the proxy set it',
        )
      }
    } else if (trustProxy === 0 && (forwards || headers.forwarded !== undefined)) {
      warned = true
      logger.warn(
        {},
        'forwarded headers arrive and no proxy is trusted, so they count for nothing and rate limits see the proxy; ' +
          'if a proxy of yours is in front of this server, set TRUST_PROXY to how many there are',
      )
    }
    next()
  }
}
