import type { Request, Response } from 'express'
import type { CookieChange } from '../contracts/endpoint.ts'

/** Cookies that scripts, other sites and other hosts of the site cannot read or set. */
export interface Cookies {
  /** Undefined also when several have the name: their origins cannot be told apart. */
  read(request: Request, name: string): string | undefined
  change(response: Response, name: string, change: CookieChange): void
}

export interface CookieSettings {
  /** Not over plain http, where browsers take neither the attribute nor the prefix that forbids Domain. */
  readonly secure: boolean
  /** With which requests of pages on other sites browsers send them. Whatever it says, a request has to come from a listed origin. */
  readonly sameSite: 'strict' | 'lax' | 'none'
  /** Whether they are kept apart for each site that the frontend is on, without which some browsers send none to other sites. */
  readonly partitioned: boolean
}

/**
 * The name of the cookie in browsers. Partitioned ones have names of their own: browsers keep both kinds beside each
 * other and would send both after a change of the settings.
 */
export function cookieName(name: string, { secure, partitioned }: Omit<CookieSettings, 'sameSite'>): string {
  const fullName = secure ? `__Host-${name}` : name
  return partitioned ? `${fullName}-partitioned` : fullName
}

export function createCookies(settings: CookieSettings): Cookies {
  const fullName = (name: string) => cookieName(name, settings)
  const attributes = { httpOnly: true, path: '/', ...settings }

  return {
    read(request, name) {
      // The library that Express writes cookies with cannot read them here: of several with one name it takes the first, and it
      // takes a tab for a blank. Browsers guard the prefix of a name, but not behind a byte that only a trim() takes for a blank.
      const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.replace(/^ +/, ''))
      const start = `${fullName(name)}=`
      const values = pairs.filter((pair) => pair.startsWith(start)).map((pair) => pair.slice(start.length))
      return values.length === 1 ? values[0] : undefined
    },
    change(response, name, change) {
      if (change === 'forgotten') response.clearCookie(fullName(name), attributes)
      else response.cookie(fullName(name), change.value, { ...attributes, maxAge: change.lifetime * 1000 })
    },
  }
}
