import type { RequestHandler } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import { isLoopback } from '../../kernel/loopback.ts'
import { healthPaths } from './health.ts'

/**
 * Refuses requests that name another host. Against DNS rebinding: a web page whose name was pointed to 127.0.0.1 would
 * otherwise read the answers of a server that runs on the machine of the person who visits the page.
 */
export function refuseForeignHosts({ publicUrl }: { publicUrl: string }): RequestHandler {
  const own = new URL(publicUrl).hostname
  /** The last that was named: clients name the same host each time. */
  let last = { authority: '', isAllowed: false }

  function isAllowed(authority: string): boolean {
    if (authority !== last.authority) {
      const name = hostname(authority)
      last = { authority, isAllowed: isLoopback(name) || name === own }
    }
    return last.isAllowed
  }

  return (request, _response, next) => {
    // A request target in absolute form overrides the header (RFC 9112, section 3.2.2).
    const [, authority = request.headers.host] = /^\w+:\/\/([^/?#]*)/.exec(request.originalUrl) ?? []
    const isAnswered = isAllowed(authority ?? '') || healthPaths.includes(request.path)
    next(isAnswered ? undefined : new AuthError(requestErrors.misdirected_request))
  }
}

/** The name without the port, as URLs spell it; empty when it is none. */
function hostname(authority: string): string {
  const url = `http://${authority}`
  return /^[\w.:[\]-]+$/.test(authority) && URL.canParse(url) ? new URL(url).hostname : ''
}
