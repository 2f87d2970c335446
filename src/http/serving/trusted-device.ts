import type { Request, Response } from 'express'
import type { Cookies } from './cookies.ts'
import { isFromForeignPage, isFromListedPage } from './page-origin.ts'

/** How a device is known again on which somebody logged in or set the password: a browser by a cookie, a program by a header. */
export interface TrustedDeviceTransport {
  /** The token that was sent, not yet believed. */
  read(request: Request): string | undefined
  /** Leaves the token of a result that has one with a browser; programs find it in the body, if they asked for it. */
  keep(request: Request, response: Response, result: unknown): void
}

export const deviceHeader = 'Device-Token'

const cookieName = 'device'

export function createTrustedDeviceTransport(
  cookies: Cookies,
  listedOrigins: readonly string[],
): TrustedDeviceTransport {
  return {
    read(request) {
      // Otherwise a page of another site could use up the guesses of the device.
      const isForeign = isFromForeignPage(request.headers, listedOrigins)
      return request.get(deviceHeader) ?? (isForeign ? undefined : cookies.read(request, cookieName))
    },
    keep(request, response, result) {
      const { trusted_device: device } = (result ?? {}) as { trusted_device?: { token: string; lifetime: number } }
      // Nor could such a page put a device of its own in the place of the user's.
      if (!device || !isFromListedPage(request.headers, listedOrigins)) return
      cookies.set(response, cookieName, device.token, device.lifetime)
    },
  }
}
