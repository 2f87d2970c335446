import type { IncomingHttpHeaders } from 'node:http'

/** The headers of every answer. */
export const security = {
  'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
  'cache-control': 'no-store',
}

/** Drops the fields that differ from answer to answer. */
export function withoutPassing({
  date: _date,
  connection: _connection,
  'keep-alive': _keepAlive,
  'content-length': _length,
  'x-request-id': _id,
  ...rest
}: IncomingHttpHeaders) {
  return rest
}

const exposed = {
  'access-control-expose-headers':
    'X-Request-Id,RateLimit,RateLimit-Policy,Retry-After,WWW-Authenticate,Deprecation,Sunset',
}
/** The headers of every answer of the application. */
export const always = { ...security, ...exposed, vary: 'Origin' }
export const json = { 'content-type': 'application/json; charset=utf-8' }
export const problem = { 'content-type': 'application/problem+json; charset=utf-8' }

/** The headers that a preflight adds for a page of a listed origin. */
export const preflightFields = (origin: string) => ({
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-allow-methods': 'GET,POST,PUT,PATCH,DELETE',
  'access-control-allow-headers': [
    'Authorization,Content-Type,Auth-Transport,Device-Token',
    'X-CSRFToken,X-Requested-With,Cache-Control,Pragma,X-Request-Id',
    'baggage,sentry-trace,traceparent,tracestate',
  ].join(','),
  'access-control-max-age': '600',
})
