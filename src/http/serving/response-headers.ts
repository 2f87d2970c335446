import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import cors from 'cors'
import type { RequestHandler } from 'express'
import helmet from 'helmet'
import { deviceHeader } from './trusted-device.ts'

/** The header fields of every answer: an API needs no script, no frame, no cache. */
export function securityFields({ https }: { https: boolean }): Record<string, string> {
  const write = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
    },
    strictTransportSecurity: https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
  })
  const fields = Object.entries(writtenBy(write)).map(([name, value]) => [name.toLowerCase(), value])
  return { ...Object.fromEntries(fields), 'cache-control': 'no-store' }
}

type Writer = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** The header fields that a library sets on the answer to a plain GET. It gets an answer that is never sent. */
function writtenBy(write: Writer): Record<string, string> {
  const request = new IncomingMessage(new Socket())
  request.method = 'GET'
  const response = new ServerResponse(request)
  const fields: Record<string, string> = {}
  response.setHeader = (name, value) => {
    fields[name] = String(value)
    return response
  }
  write(request, response, () => undefined)
  return fields
}

export function securityHeaders(options: { https: boolean }): RequestHandler {
  const fields = Object.entries(securityFields(options))
  return (_request, response, next) => {
    for (const [name, value] of fields) response.setHeader(name, value)
    next()
  }
}

/** When our own API was first there to move to, in seconds since 1970. */
const deprecatedSince = Date.UTC(2026, 10, 21) / 1000

/** Tells clients of a contract that it is deprecated (RFC 9745) and until when it will be there (RFC 8594). */
export function announceSunset(sunset: Date): RequestHandler {
  const fields = { Deprecation: `@${deprecatedSince}`, Sunset: sunset.toUTCString() }
  return (_request, response, next) => {
    response.set(fields)
    next()
  }
}

/**
 * The header fields that pages of listed origins may send. The second half means nothing here: frontends of Django services send the first
 * two, and the rest is that of caches and of tracing.
 */
const allowedHeaders = [
  ...['Authorization', 'Content-Type', 'Auth-Transport', deviceHeader],
  ...['X-CSRFToken', 'X-Requested-With', 'Cache-Control', 'Pragma', 'X-Request-Id'],
  ...['baggage', 'sentry-trace', 'traceparent', 'tracestate'],
]

/** Lets the pages of these origins, and no others, read our answers. They may send the usual headers and these. */
export function crossOrigin(origins: readonly string[], moreHeaders: readonly string[]): RequestHandler {
  const options = {
    origin: [...origins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [...allowedHeaders, ...moreHeaders],
    exposedHeaders: [
      'X-Request-Id',
      'RateLimit',
      'RateLimit-Policy',
      'Retry-After',
      'WWW-Authenticate',
      'Deprecation',
      'Sunset',
    ],
    maxAge: 600,
  }
  const handle = cors((request: IncomingMessage, done) => {
    done(null, { ...options, credentials: origins.includes(request.headers.origin ?? '') })
  })
  // Requests of programs are alike: what the library writes on one holds for all of them.
  const withoutOrigin = Object.entries(writtenBy(handle))
  return (request, response, next) => {
    // The library takes every OPTIONS for a preflight, even one that no browser sent and for a path that does not exist.
    const isPlainOptions = request.method === 'OPTIONS' && !request.headers['access-control-request-method']
    if (isPlainOptions) return next()
    if (request.headers.origin !== undefined || request.method === 'OPTIONS') return handle(request, response, next)
    for (const [name, value] of withoutOrigin) response.setHeader(name, value)
    next()
  }
}
