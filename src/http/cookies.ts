import type { Request, Response } from 'express'

/** Cookies that scripts, other sites and other hosts of the site cannot read or set. */
export interface Cookies {
  /** Undefined also when several have the name: who set which is not to be known. */
  read(request: Request, name: string): string | undefined
  set(response: Response, name: string, value: string, maxAgeSeconds: number): void
  clear(response: Response, name: string): void
}

/** Not secure: over plain http, where browsers take neither the attribute nor the prefix that forbids Domain. */
export function createCookies({ secure }: { secure: boolean }): Cookies {
  const fullName = (name: string) => (secure ? `__Host-${name}` : name)
  const attributes = { httpOnly: true, secure, sameSite: 'strict', path: '/' } as const

  return {
    read(request, name) {
      // Nothing else than spaces: browsers guard the prefix of a name, but not behind a byte that only a trim() takes for one.
      const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.replace(/^ +/, ''))
      const start = `${fullName(name)}=`
      const values = pairs.filter((pair) => pair.startsWith(start)).map((pair) => pair.slice(start.length))
      return values.length === 1 ? values[0] : undefined
    },
    set(response, name, value, maxAgeSeconds) {
      response.cookie(fullName(name), value, { ...attributes, maxAge: maxAgeSeconds * 1000 })
    },
    clear(response, name) {
      response.clearCookie(fullName(name), attributes)
    },
  }
}
