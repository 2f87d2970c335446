import type { Request, Response } from 'express'
import type { Endpoint } from '../contracts/endpoint.ts'
import type { Cookies } from './cookies.ts'
import { isFromListedPage } from './page-origin.ts'
import type { RefreshTransport } from './refresh-transport.ts'
import { refreshCookie } from './refresh-transport.ts'

/** Leaves the cookies that an endpoint declares with the browser, and answers with the body that goes beside them. */
export type LeaveCookies = <Needs>(
  endpoint: Endpoint<Needs>,
  result: unknown,
  body: unknown,
  exchange: { readonly request: Request; readonly response: Response },
) => unknown

export function createResponseCookies({
  cookies,
  refreshTransport,
  listedOrigins,
}: {
  cookies: Cookies
  refreshTransport: RefreshTransport
  listedOrigins: readonly string[]
}): LeaveCookies {
  return (endpoint, result, body, { request, response }) => {
    let remaining = body
    for (const [name, changeOf] of Object.entries(endpoint.cookies ?? {})) {
      const change = changeOf(result)
      if (change === undefined) continue
      if (name === refreshCookie) remaining = refreshTransport.deliver(request, response, change, remaining)
      // A page of another site could put a cookie of its own in the place of the user's.
      else if (isFromListedPage(request.headers, listedOrigins)) cookies.change(response, name, change)
    }
    return remaining
  }
}
