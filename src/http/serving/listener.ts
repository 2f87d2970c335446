import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ErrorDefinition } from '../../kernel/errors.ts'
import { AuthError, hasCode, requestErrors, StartError } from '../../kernel/errors.ts'
import { ServedRequest, ServedResponse } from './messages.ts'
import type { SendRawResponse } from './raw-response.ts'
import { listenAtPath } from './unix-socket.ts'

/** Pipelined requests on one connection. Browsers send one at a time. */
const mostUnanswered = 16

/** An HTTP server with the time limits of a public API: Node's own limits let slow clients hold connections for minutes. */
export function createHttpServer(listener: RequestListener, answer: SendRawResponse): Server {
  const conversations = new WeakMap<Duplex, Conversation>()

  function receive(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const conversation = { unanswered: (conversations.get(socket)?.unanswered ?? 0) + 1, last: request }
    // A client that sends requests without reading the answers would make the server keep them all.
    if (conversation.unanswered > mostUnanswered) {
      socket.destroy()
      return
    }
    conversations.set(socket, conversation)
    response.once('close', () => {
      const current = conversations.get(socket)
      if (current) current.unanswered -= 1
    })
    response.once('prefinish', () => {
      // Nearly always the system takes an answer whole, and the limit for idle connections holds for the rest.
      if (socket.writableLength > 0) limitDelivery(response)
    })
    listener(request, response)
  }

  /** A client that does not read makes the server keep the answer: it has as long to leave as a request has to arrive. */
  function limitDelivery(response: ServerResponse): void {
    if (server.requestTimeout === 0) return
    const limit = setTimeout(() => response.destroy(), server.requestTimeout)
    response.once('close', () => clearTimeout(limit))
  }

  // Node looks every 30 s only: a limit of 10 s would be one of up to 40 s.
  const limits = { maxHeaderSize: 16_384, connectionsCheckingInterval: 1000, requireHostHeader: false }
  const messages = { IncomingMessage: ServedRequest, ServerResponse: ServedResponse }
  const server = createServer({ ...limits, ...messages }, receive)
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  server.keepAliveTimeout = 65_000
  // Node would drop what follows the thousandth header field without a word, and a client could hide in this way what a proxy writes
  // behind its fields, such as X-Forwarded-For. Their size is limited.
  server.maxHeadersCount = 0
  // Judged by the listener, and so in the error format of the path.
  server.on('checkExpectation', receive)
  server.on('clientError', (fault: Error & { code?: string; rawPacket?: Buffer }, socket: Socket) => {
    const takesRefusal = socket.writable && isOwed(conversations.get(socket))
    if (takesRefusal && !hasCode(fault, 'ECONNRESET'))
      answer(new AuthError(unreadable[fault.code ?? ''] ?? requestErrors.invalid_request), socket, fault.rawPacket)
    else socket.destroy()
  })
  return server
}

/** The requests of one connection. */
interface Conversation {
  unanswered: number
  readonly last: IncomingMessage
}

/** Whether a refusal would be read as the answer to what could not be read, and not to a request before it. */
function isOwed(conversation: Conversation | undefined): boolean {
  if (!conversation) return true
  const { unanswered, last } = conversation
  return last.complete ? unanswered === 0 : unanswered === 1
}

/** Errors of the HTTP parser that have a status of their own. */
const unreadable: Readonly<Record<string, ErrorDefinition>> = {
  HPE_HEADER_OVERFLOW: requestErrors.headers_too_large,
  ERR_HTTP_REQUEST_TIMEOUT: requestErrors.request_timeout,
}

/** The first file descriptor that systemd hands over (sd_listen_fds). */
const firstHandedOver = 3

/**
 * Binds the server to its port, path or handed-over socket; returns the port, or what stands for it. Throws a StartError when it
 * cannot be had.
 */
export async function listen(
  server: Server,
  { host, port }: { host: string; port: number | string },
): Promise<number | string> {
  if (typeof port === 'string' && port !== 'systemd') {
    await listenAtPath(server, port)
    return port
  }
  try {
    if (port === 'systemd') server.listen({ fd: firstHandedOver })
    else server.listen(Number(port), host)
    await once(server, 'listening')
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : port
  } catch (cause) {
    const place = port === 'systemd' ? port : `${port} of HOST ${host}`
    throw new StartError(`The server cannot listen on PORT ${place}: ${remedyFor(cause)}`, { cause })
  }
}

function remedyFor(error: unknown): string {
  if (hasCode(error, 'EADDRINUSE')) return 'another program has it. Stop that, or set PORT to another one'
  if (hasCode(error, 'EACCES')) return 'this account may not use it. Set PORT to one above 1023'
  if (hasCode(error, 'EBADF', 'EINVAL', 'ERR_INVALID_FD_TYPE')) return 'what was handed over is no socket to listen on'
  return `${(error as Error).message}. Set HOST to an address of this machine`
}

/** Takes no more connections, lets the requests in flight finish, and cuts off what lasts longer than the limit. */
export async function drain(server: Server, limitMs: number): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  // A connection that was busy until now would be kept alive for its next request.
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const limit = setTimeout(() => server.closeAllConnections(), limitMs)
  await closed
  clearInterval(sweep)
  clearTimeout(limit)
}
