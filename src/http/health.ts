import type { RequestHandler } from 'express'
import { Router } from 'express'
import { AuthError, requestErrors } from '../kernel/errors.ts'

/** For whoever watches the process: `/healthz` says that it lives, `/readyz` whether it can serve. */
export function createHealthRouter({ problemOf }: { problemOf: () => Promise<string | undefined> }): Router {
  const router = Router({ caseSensitive: true, strict: true })
  router
    .route('/healthz')
    .get((_request, response) => {
      response.json({ status: 'ok' })
    })
    .all(refuseOtherMethods)
  router
    .route('/readyz')
    .get(async (_request, response) => {
      const problem = await problemOf()
      if (problem === undefined) response.json({ status: 'ready' })
      else response.status(503).set('Retry-After', '1').json({ status: 'not ready', problem })
    })
    .all(refuseOtherMethods)
  return router
}

const refuseOtherMethods: RequestHandler = (_request, _response, next) => {
  next(new AuthError(requestErrors.method_not_allowed, { allow: ['GET', 'HEAD'] }))
}
