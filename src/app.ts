import type { Express, NextFunction, Request, Response } from 'express'
import express from 'express'
import type { Config } from './config.ts'
import { contracts } from './contracts/index.ts'
import { verificationPages } from './features/auth/pages.ts'
import { createMailboxPages } from './features/mail/pages.ts'
import { passwordResetPages } from './features/password/pages.ts'
import { sessionErrors } from './features/session/index.ts'
import type { TranslateFault } from './http/errors.ts'
import { sendError } from './http/errors.ts'
import { crossOrigin, securityHeaders } from './http/headers.ts'
import { createHealthRouter } from './http/health.ts'
import { createLimiter } from './http/limits.ts'
import { observeRequests, warnOfUntrustedProxies } from './http/observe.ts'
import { createPages } from './http/page.ts'
import { presentProblem } from './http/present.ts'
import { createProblemsPage } from './http/problems.ts'
import { createContractRouter } from './http/router.ts'
import { AuthError, requestErrors } from './kernel/errors.ts'
import type { Logger } from './kernel/ports.ts'
import type { Services } from './services.ts'

export interface AppParts {
  readonly config: Config
  readonly services: Services
  readonly logger: Logger
  /** What keeps the server from serving, if anything. */
  readonly problemOf: () => Promise<string | undefined>
  readonly isDatabaseUnavailable: (fault: unknown) => boolean
}

/** Everything that a request meets, in that order. */
export function createApp({ config, services, logger, problemOf, isDatabaseUnavailable }: AppParts): Express {
  const { server, links, production } = config
  const translateFault = createFaultTranslator(logger, isDatabaseUnavailable)

  const app = express()
  app.set('trust proxy', server.trustProxy)
  app.set('etag', false)
  app.set('query parser', false)
  app.set('case sensitive routing', true)
  app.use(observeRequests(logger))
  app.use(securityHeaders({ https: server.publicUrl.startsWith('https:') }))
  app.use(warnOfUntrustedProxies(logger, server.trustProxy))
  app.use(crossOrigin(server.corsOrigins))
  app.use(createHealthRouter({ problemOf }))

  const endpoints = contracts.flatMap(({ rows }) => rows.map(({ endpoint }) => endpoint))
  const limiters = new Map<string, express.RequestHandler>()
  for (const endpoint of endpoints) {
    limiters.set(endpoint.name, server.rateLimits ? createLimiter(endpoint.name, endpoint.limit) : unlimited)
  }
  for (const contract of contracts) {
    const router = createContractRouter(contract, {
      services,
      authenticate: services.sessions.authenticate,
      authenticationErrors,
      limiterOf: (name) => limiters.get(name) ?? unlimited,
      translateFault,
      strict: !production,
    })
    app.use(contract.prefix, router)
  }

  const problems = [
    ...Object.values(requestErrors),
    ...authenticationErrors,
    ...endpoints.flatMap(({ errors }) => errors),
  ]
  app.use(createPages([createProblemsPage(problems)]))
  if (services.mailbox)
    app.use(createPages(createMailboxPages({ mailbox: services.mailbox, worker: services.mailWorker })))
  if (links.toOwnPages) app.use(createPages([...verificationPages, ...passwordResetPages]))

  app.use((_request, _response, next) => next(new AuthError(requestErrors.not_found)))
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    sendError(error, response, presentProblem, translateFault)
  })
  return app
}

const authenticationErrors = [
  sessionErrors.token_invalid,
  sessionErrors.access_token_expired,
  sessionErrors.session_revoked,
  sessionErrors.session_expired,
]

function unlimited(_request: Request, _response: Response, next: NextFunction): void {
  next()
}

function createFaultTranslator(
  logger: Logger,
  isDatabaseUnavailable: AppParts['isDatabaseUnavailable'],
): TranslateFault {
  return (fault, requestId) => {
    if (isDatabaseUnavailable(fault)) {
      logger.warn({ request_id: requestId }, 'the database cannot be reached')
      return new AuthError(requestErrors.database_unavailable)
    }
    logger.error({ request_id: requestId, error: fault }, 'a request failed by a fault of ours')
    return new AuthError(requestErrors.internal_error)
  }
}
