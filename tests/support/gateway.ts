import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request as sendRequest } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { selfSigned } from './certificate.ts'

/** What becomes of a request: another answer, an answer that is held back, none although the server has done its work, or none at all. */
type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: object }
  | { readonly heldUntil: Promise<unknown> }
  | 'answer lost'
  | 'unanswered'

export interface Gateway {
  readonly origin: string
  /** The requests so far, such as `POST /api/v1/auth/access_token`, with the headers of each. */
  readonly requests: { readonly line: string; readonly headers: IncomingMessage['headers'] }[]
  /** How many refreshes came. */
  refreshes(): number
  /** What becomes of the next requests with this line, in turn; later ones are passed on. */
  disturb(line: string, ...faults: readonly Fault[]): void
  close(): Promise<void>
}

export type Serve = (path: string) => { readonly type: string; readonly body: string } | undefined

const refresh = 'POST /api/v1/auth/access_token'

/** An origin on loopback in front of the server: serves pages, passes all else on, and disturbs as it is told. */
export async function openGateway(
  serverUrl: string,
  serve: Serve = () => undefined,
  scheme: 'http' | 'https' = 'http',
): Promise<Gateway> {
  const requests: Gateway['requests'] = []
  const faults = new Map<string, Fault[]>()

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '/', headers } = request
    const line = `${method} ${url.split('?')[0]}`
    requests.push({ line, headers })
    const page = serve(url)
    if (page) {
      response.setHeader('Content-Type', page.type).end(page.body)
      return
    }
    const fault = faults.get(line)?.shift()
    if (fault === undefined || fault === 'answer lost' || (typeof fault === 'object' && 'heldUntil' in fault)) {
      passOn(request, response, fault)
    } else if (fault !== 'unanswered') {
      response.writeHead(fault.status, { 'Content-Type': 'application/problem+json', ...fault.headers })
      response.end(JSON.stringify(fault.body ?? {}))
    }
  }

  function passOn(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const { method, url, headers } = request
    const onwards = sendRequest(serverUrl + url, { method, headers }, async (given) => {
      if (fault === 'answer lost') {
        // It breaks off: Chromium by itself repeats a request that finds its connection closed.
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' }).write('{')
        given.resume().on('end', () => response.destroy())
        return
      }
      if (typeof fault === 'object' && 'heldUntil' in fault) await fault.heldUntil
      response.writeHead(given.statusCode ?? 502, given.headers)
      given.pipe(response)
    })
    onwards.on('error', () => response.destroy())
    request.pipe(onwards)
  }

  const listener = scheme === 'https' ? createTlsServer(selfSigned, answer) : createServer(answer)
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  return {
    origin: `${scheme}://localhost:${(listener.address() as AddressInfo).port}`,
    requests,
    refreshes: () => requests.filter(({ line }) => line === refresh).length,
    disturb(line, ...next) {
      faults.set(line, [...next])
    },
    async close() {
      listener.closeAllConnections()
      listener.close()
      await once(listener, 'close')
    },
  }
}
