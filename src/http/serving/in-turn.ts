import type { RequestHandler } from 'express'

/**
 * Several handlers as one, each called when the one before goes on. Express makes a closure for each handler that it passes, and
 * looks at the path of the request each time.
 */
export function inTurn(handlers: readonly RequestHandler[]): RequestHandler {
  return (request, response, next) => {
    let index = 0
    const proceed = (error?: unknown): void => {
      const handle = error === undefined ? handlers[index] : undefined
      index += 1
      if (handle) handle(request, response, proceed)
      else next(error)
    }
    proceed()
  }
}
