import type { Request, Response } from 'express'
import type { Cookies } from './cookies.ts'

/** The cookie by which a browser is known again in which somebody logged in or set the password. */
export interface KnownDeviceCookie {
  read(request: Request): string | undefined
  /** Leaves the token of a result that has one with a browser; programs ask for no cookie. */
  keep(request: Request, response: Response, result: unknown): void
}

const cookieName = 'device'

export function createKnownDeviceCookie(cookies: Cookies): KnownDeviceCookie {
  return {
    read: (request) => cookies.read(request, cookieName),
    keep(request, response, result) {
      const { known_device: device } = (result ?? {}) as { known_device?: { token: string; lifetime: number } }
      const { origin, 'sec-fetch-site': site } = request.headers
      if (!device || (origin === undefined && site === undefined)) return
      cookies.set(response, cookieName, device.token, device.lifetime)
    },
  }
}
