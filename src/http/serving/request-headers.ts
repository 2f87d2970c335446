import type { RequestHandler } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'

/** Refuses requests that no endpoint can serve because of their headers. Node would do so itself, without an explanation. */
export const checkRequestHeaders: RequestHandler = ({ httpVersion, headers, rawHeaders }, response, next) => {
  // RFC 9112, section 3.2.
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && isHost(name)).length
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return next(new AuthError(requestErrors.invalid_request))
  if (/^(100-continue)?$/i.test(headers.expect ?? '')) return next()
  // The body may come or not, so the start of the next request cannot be found.
  response.set('Connection', 'close')
  next(new AuthError(requestErrors.expectation_failed))
}

function isHost(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === 'host'
}

const conditions = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range', 'range']

/**
 * Takes away what makes an answer depend on a copy that the client has (RFC 9110, sections 13 and 14.2). No answer here is kept or
 * compared, and Express would answer 304 without a body to `If-None-Match: *`, after the endpoint has done its work.
 */
export const ignoreConditions: RequestHandler = ({ headers }, _response, next) => {
  for (const name of conditions) delete headers[name]
  next()
}
