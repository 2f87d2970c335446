import type { AuthClientOptions } from './types.ts'

/** The server's own API. */
export interface Api {
  readonly address: string
  readonly transport: 'cookie' | 'body'
  isOwn(url: string): boolean
  /** Sends a request to wherever it goes; to the API it says how the refresh token travels. */
  send(request: Request): Promise<Response>
  /** Sends JSON to a path of the API. */
  post(path: string, body: object, init?: RequestInit): Promise<Response>
}

export function createApi({ baseUrl, transport = 'cookie' }: Pick<AuthClientOptions, 'baseUrl' | 'transport'>): Api {
  const page = typeof location === 'undefined' ? undefined : location.href
  // As requests have it: without capitals in the host and without the default port.
  const address = new URL(`${baseUrl.replace(/\/+$/, '')}/api/v1/auth`, page).href
  const isOwn = (url: string) => url.startsWith(`${address}/`)

  function send(request: Request): Promise<Response> {
    if (!isOwn(request.url)) return fetch(request)
    const own = transport === 'cookie' ? new Request(request, { credentials: 'include' }) : request
    own.headers.set('Auth-Transport', transport)
    return fetch(own)
  }

  return {
    address,
    transport,
    isOwn,
    send,
    post(path, body, init) {
      const headers = { 'Content-Type': 'application/json' }
      return send(new Request(address + path, { method: 'POST', body: JSON.stringify(body), headers, ...init }))
    },
  }
}
