import type { Request } from 'express'
import type { Cookies } from './cookies.ts'
import { isFromForeignPage } from './page-origin.ts'

/** By which a trusted device is known again: the token that the request carries, not yet believed. A browser sends a cookie, a program a header. */
export type ReadDevice = (request: Request) => string | undefined

export const deviceHeader = 'Device-Token'

const cookieName = 'device'

export function createDeviceReader(cookies: Cookies, listedOrigins: readonly string[]): ReadDevice {
  return (request) => {
    // Otherwise a page of another site could use up the guesses of the device.
    const isForeign = isFromForeignPage(request.headers, listedOrigins)
    return request.get(deviceHeader) ?? (isForeign ? undefined : cookies.read(request, cookieName))
  }
}
