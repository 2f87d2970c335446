import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Origin {
  readonly url: string
  close(): void
}

export async function listen(server: Server): Promise<Origin> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** An origin that serves these scripts, and an empty page at every other path. */
export function openOrigin(scripts: ReadonlyMap<string, string>): Promise<Origin> {
  const answer: RequestListener = ({ url = '/' }, response) => {
    const script = scripts.get(url.slice(1))
    const page = '<!doctype html><title>A frontend</title><link rel="icon" href="data:,"><div id="root"></div>'
    response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript').end(script ?? page)
  }
  return listen(createServer(answer))
}
