import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { plainAddress } from '../../kernel/address.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { ErrorResponse } from '../contracts/error-format.ts'
import { presentProblem } from '../contracts/error-format.ts'
import { loggedPath } from './request-log.ts'
import { securityFields } from './response-headers.ts'

/** A refusal, or what a health check is told. */
type RawResponse = AuthError | Pick<ErrorResponse, 'status' | 'headers' | 'body'>

/**
 * Answers where Express is not there: not yet, or not for what cannot be read. On a socket alone what was asked is not
 * known, but for a HEAD that came in one piece: that gets no body. After a refusal of what was sent the connection ends, as the start of the next request cannot be found.
 */
export type SendRawResponse = (answer: RawResponse, to: ServerResponse | Socket, unreadable?: Buffer) => void

/** The one place outside Express that writes answers, with the header fields and the log line of all others. */
export function createRawResponse({ https, logger }: { https: boolean; logger: Logger }): SendRawResponse {
  const always = securityFields({ https })

  return (answer, to, unreadable) => {
    const requestId = randomUUID()
    const { status, contentType, headers, body } = present(answer, requestId)
    const text = JSON.stringify(body)
    const fields = {
      ...always,
      ...headers,
      'Content-Type': contentType,
      'Content-Length': String(Buffer.byteLength(text)),
      'X-Request-Id': requestId,
      ...(answer instanceof AuthError && status < 500 && { Connection: 'close' }),
    }
    const isOnSocket = !('writeHead' in to)
    if (isOnSocket) writeRaw(to, status, fields, isHead(unreadable) ? '' : text)
    else to.writeHead(status, fields).end(text)
    const { method, url, socket } = isOnSocket ? { method: undefined, url: undefined, socket: to } : to.req
    logger.info(
      {
        request_id: requestId,
        method,
        path: url === undefined ? undefined : loggedPath(url),
        status,
        code: answer instanceof AuthError ? answer.definition.code : undefined,
        ip: plainAddress(socket.remoteAddress ?? ''),
      },
      'request',
    )
  }
}

function present(answer: RawResponse, requestId: string): ErrorResponse {
  if (answer instanceof AuthError) return presentProblem(answer, { requestId })
  return { ...answer, contentType: 'application/json; charset=utf-8' }
}

function isHead(bytes: Buffer | undefined): boolean {
  return bytes?.toString('latin1', 0, 5) === 'HEAD '
}

/** Ends the connection whether the client agrees or not. */
function writeRaw(socket: Socket, status: number, fields: Readonly<Record<string, string>>, text: string): void {
  const headerLines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(fields).map((field) => field.join(': ')),
  ]
  socket.end(`${headerLines.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy())
}
