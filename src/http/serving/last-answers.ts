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
  /**
   * The newest of the answers that each open connection waits for, if it waits. Those before it must not end the connection.
   * A connection keeps its place in the map between its requests: V8 would keep what requests leave behind through the
   * former tables of a map that changes with each of them, and move it all to the old generation.
   */
  const newest = new Map<Socket, ServerResponse | undefined>()
  let begun = false

  function setClosing(response: ServerResponse, closing: boolean): void {
    if (response.headersSent) return
    if (closing) response.setHeader('Connection', 'close')
    else response.removeHeader('Connection')
  }

  return {
    listener(request, response) {
      const { socket } = request
      if (!newest.has(socket)) socket.once('close', () => newest.delete(socket))
      const before = newest.get(socket)
      newest.set(socket, response)
      response.once('close', () => {
        if (newest.get(socket) === response) newest.set(socket, undefined)
      })
      if (begun) {
        if (before) setClosing(before, false)
        setClosing(response, true)
      }
      listener(request, response)
    },
    begin() {
      begun = true
      for (const response of newest.values()) if (response) setClosing(response, true)
    },
  }
}
