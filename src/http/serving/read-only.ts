import type { RequestHandler } from 'express'
import { Router } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'

/** Paths in Express's notation, exactly as they are written, that can be read and nothing else. */
export function createReadOnlyRouter(handlers: Readonly<Record<string, RequestHandler>>): Router {
  const router = Router({ caseSensitive: true, strict: true })
  for (const [path, handle] of Object.entries(handlers)) router.route(path).get(handle).all(refuseOtherMethods)
  return router
}

/** The last handler of a path that can only be read. */
export const refuseOtherMethods: RequestHandler = (_request, _response, next) => {
  next(new AuthError(requestErrors.method_not_allowed, { allow: ['GET', 'HEAD'] }))
}
