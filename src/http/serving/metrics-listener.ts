import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { hasCode, StartError } from '../../kernel/errors.ts'

/** The text of all series; undefined while the server starts. */
export type ReadMetrics = () => Promise<{ readonly contentType: string; readonly text: string }> | undefined

/**
 * Serves `/metrics` on a port of its own, which clients need not reach: the counts tell how much goes on here. Throws a StartError
 * when the port cannot be had.
 */
export async function listenForMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  read: ReadMetrics,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    if (request.url?.replace(/\?.*/s, '') !== '/metrics') return response.writeHead(404).end()
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    try {
      const metrics = await read()
      if (!metrics) return response.writeHead(503, { 'Retry-After': '1' }).end()
      response.setHeader('Content-Type', metrics.contentType)
      return response.end(metrics.text)
    } catch {
      return response.writeHead(500).end()
    }
  })
  server.headersTimeout = 5000
  server.requestTimeout = 5000
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    const reason = hasCode(cause, 'EADDRINUSE') ? 'another program has it' : (cause as Error).message
    throw new StartError(
      `The metrics cannot be served on METRICS_PORT ${port} of METRICS_HOST ${host}: ${reason}. Set METRICS_PORT to another port, or remove it`,
      { cause },
    )
  }
  // Nothing waits for a scrape when the server stops.
  server.unref()
  return server
}
