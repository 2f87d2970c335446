import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface LastAnswers {
  readonly listener: RequestListener
  /** From now on each answer says that its connection ends. */
  readonly begin: () => void
}

/**
 * A listener whose answers can end their connections. A server that stops while it keeps connections would close them below the
 * next requests of their clients.
 */
export function createLastAnswers(listener: RequestListener): LastAnswers {
  /** The newest of the answers that each connection waits for. Those before it must not end the connection. */
  const newest = new Map<Socket, ServerResponse>()
  let begun = false

  function setClosing(response: ServerResponse, closing: boolean): void {
    if (response.headersSent) return
    if (closing) response.setHeader('Connection', 'close')
    else response.removeHeader('Connection')
  }

  return {
    listener(request, response) {
      const { socket } = request
      const before = newest.get(socket)
      newest.set(socket, response)
      response.once('close', () => {
        if (newest.get(socket) === response) newest.delete(socket)
      })
      if (begun) {
        if (before) setClosing(before, false)
        setClosing(response, true)
      }
      listener(request, response)
    },
    begin() {
      begun = true
      for (const response of newest.values()) setClosing(response, true)
    },
  }
}
