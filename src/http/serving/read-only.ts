import type { RequestHandler } from 'express'
import { Router } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'

/** Paths in Express's notation, exactly as they are written, that can be read and nothing else. */
export function createReadOnlyRouter(handlers: Readonly<Record<string, RequestHandler>>): Router {
  const router = Router({ caseSensitive: true, strict: true })
  for (const [path, handle] of Object.entries(handlers)) router.all(path, readOnly(handle))
  return router
}

/** Lets the handler have a GET or HEAD, and refuses all other methods. */
export function readOnly(handle: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (['GET', 'HEAD'].includes(request.method)) return handle(request, response, next)
    throw new AuthError(requestErrors.method_not_allowed, { allow: ['GET', 'HEAD'] })
  }
}
