import type { RequestListener, Server } from 'node:http'
import { createServer, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AuthError, requestErrors } from '../kernel/errors.ts'
import { presentProblem } from './present.ts'

/** An HTTP server with the patience of a public API: Node's own limits let slow clients hold connections for minutes. */
export function createHttpServer(listener: RequestListener): Server {
  // Node looks every 30 s only: a patience of 10 s would be one of up to 40 s.
  const server = createServer({ maxHeaderSize: 16_384, connectionsCheckingInterval: 1000 }, listener)
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  server.keepAliveTimeout = 65_000
  server.on('clientError', refuseUnreadable)
  return server
}

/** What cannot even be read as HTTP gets a problem too, where the connection still takes one. */
function refuseUnreadable(fault: NodeJS.ErrnoException, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const definition =
    fault.code === 'HPE_HEADER_OVERFLOW' ? requestErrors.headers_too_large : requestErrors.invalid_request
  const { status, contentType, body } = presentProblem(new AuthError(definition), '')
  const text = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}
