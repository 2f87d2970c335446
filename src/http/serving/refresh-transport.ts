import type { Request, Response } from 'express'
import type { ErrorDefinition } from '../../kernel/errors.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { Row } from '../contracts/contract.ts'
import type { CookieChange } from '../contracts/endpoint.ts'
import type { Cookies } from './cookies.ts'
import { isFromListedPage } from './page-origin.ts'

type Fields = Record<string, unknown>

/** How refresh tokens travel: in bodies, or in a cookie that scripts cannot read. */
export interface RefreshTransport {
  /** Whether a token may go into a cookie, or come in one: then the body has to be what no page of another site can send. */
  mayUseCookie(request: Request): boolean
  /** The fields that were sent, with the cookie's token in the contract's field. Throws when the transport is refused. */
  receive<Needs>(row: Row<Needs>, request: Request, sent: Fields): Fields
  /** Changes the cookie of a client that uses one. The body of the answer, without the refresh token if that goes into the cookie. */
  deliver(request: Request, response: Response, change: CookieChange, body: unknown): unknown
}

const header = 'auth-transport'
/** The name of the cookie, where it needs no prefix. */
export const refreshCookie = 'refresh'

export function createRefreshTransport({
  choice,
  cookies,
  origins,
}: {
  /** The client chooses with the header Auth-Transport, or the operator chooses for all. */
  choice: 'client' | 'cookie' | 'body'
  cookies: Cookies
  /** Those that may send the cookie from elsewhere than this server. */
  origins: readonly string[]
}): RefreshTransport {
  function usesCookie(request: Request): boolean {
    if (choice !== 'client') return choice === 'cookie'
    const asked = request.headers[header]
    if (asked === undefined || asked === 'body' || asked === 'cookie') return asked === 'cookie'
    throw new AuthError(requestErrors.transport_unknown)
  }

  /** Browsers send the cookie with requests of any page. A page of another site cannot write these headers (ASVS 3.5). */
  function refuseForeign(request: Request): void {
    const isFromListedPageByScript = request.headers[header] === 'cookie' && isFromListedPage(request.headers, origins)
    if (!isFromListedPageByScript) throw new AuthError(requestErrors.cross_site_request)
  }

  return {
    mayUseCookie: ({ headers }) =>
      choice === 'cookie' || (choice === 'client' && headers[header] !== undefined && headers[header] !== 'body'),

    receive(row, request, sent) {
      const { refreshField, endpoint } = row
      // Also where a token is only given: what is refused once the endpoint has done its work is done all the same.
      const inCookie = transportErrorsOf(row).length > 0 && usesCookie(request)
      if (refreshField === undefined || !inCookie) return sent
      refuseForeign(request)
      const token = cookies.read(request, refreshCookie)
      const given = choice === 'cookie' ? undefined : sent[refreshField]
      if (token === undefined && given === undefined && endpoint.access === 'refresh') {
        throw new AuthError(requestErrors.refresh_cookie_missing)
      }
      if (token !== undefined && given !== undefined && given !== token) {
        throw new AuthError(requestErrors.refresh_tokens_differ)
      }
      return { ...sent, [refreshField]: token ?? given }
    },

    deliver(request, response, change, body) {
      if (!usesCookie(request)) return body
      cookies.change(response, refreshCookie, change)
      if (change === 'forgotten') return body
      // Whatever the contract calls it, and wherever it puts it.
      return JSON.parse(JSON.stringify(body), (_name, value) => (value === change.value ? undefined : value))
    },
  }
}

/** The errors of the transport of refresh tokens to and from this row. */
export function transportErrorsOf<Needs>({ refreshField, endpoint }: Row<Needs>): readonly ErrorDefinition[] {
  const { transport_unknown, refresh_tokens_differ, cross_site_request, refresh_cookie_missing } = requestErrors
  const isNeeded = endpoint.access === 'refresh'
  if (refreshField !== undefined) {
    return [transport_unknown, refresh_tokens_differ, cross_site_request, ...(isNeeded ? [refresh_cookie_missing] : [])]
  }
  return endpoint.cookies?.[refreshCookie] ? [transport_unknown] : []
}
