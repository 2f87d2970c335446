import type { RequestListener } from 'node:http'
import type { NextFunction, Request, Response } from 'express'
import express from 'express'
import { createDocuments } from './contracts/documents.ts'
import { contracts } from './contracts/index.ts'
import { contractPolicy } from './contracts/policy.ts'
import { verificationPage } from './features/auth/pages.ts'
import type { Features } from './features/composition.ts'
import { createOldLinkPages } from './features/django/pages.ts'
import { createMailboxPages } from './features/mail/pages.ts'
import { passwordResetPage } from './features/password/pages.ts'
import { authenticationErrors } from './features/session/index.ts'
import { problemDetails } from './http/contracts/error-format.ts'
import { createApplication } from './http/pages/application.ts'
import { createDocs } from './http/pages/docs.ts'
import { createHome } from './http/pages/home.ts'
import { createPages } from './http/pages/page.ts'
import { createProblemsPage } from './http/pages/problems.ts'
import { createBrowserRules } from './http/serving/browser-rules.ts'
import { createDeclarationCheck } from './http/serving/declared-errors.ts'
import type { TranslateFault } from './http/serving/errors.ts'
import { sendError } from './http/serving/errors.ts'
import { createHealthRouter } from './http/serving/health.ts'
import { refuseForeignHosts } from './http/serving/host.ts'
import { inTurn } from './http/serving/in-turn.ts'
import { createListener } from './http/serving/messages.ts'
import { createLimiters } from './http/serving/rate-limits.ts'
import { createRawResponse } from './http/serving/raw-response.ts'
import { checkRequestHeaders, ignoreConditions } from './http/serving/request-headers.ts'
import type { CountRequest } from './http/serving/request-log.ts'
import { observeRequests, warnOfProxies } from './http/serving/request-log.ts'
import { announceSunset, crossOrigin, securityHeaders } from './http/serving/response-headers.ts'
import { createContractRouter } from './http/serving/router.ts'
import { AuthError, requestErrors } from './kernel/errors.ts'
import { verifyOperatorToken } from './kernel/operator-token.ts'
import type { Logger, SharedCounters, StartRequestSpan } from './kernel/ports.ts'
import type { CompleteConfig } from './settings/config.ts'

export interface AppParts {
  readonly config: CompleteConfig
  readonly services: Features
  readonly logger: Logger
  /** Where the build of the demo application lies, if it is to be served. */
  readonly applicationFolder: URL | undefined
  /** Absent: this instance counts requests for itself. */
  readonly sharedCounters: SharedCounters | undefined
  /** Absent: nothing is measured. */
  readonly countRequest: CountRequest | undefined
  /** Absent: no traces are kept. */
  readonly startRequestSpan: StartRequestSpan | undefined
  /** The reason why the server cannot serve, if there is one. */
  readonly whyNotReady: () => Promise<string | undefined>
  readonly isDatabaseUnavailable: (fault: unknown) => boolean
}

/** The contracts that CONTRACTS names. */
export function servedContracts(config: CompleteConfig): readonly (typeof contracts)[number][] {
  return contracts.filter(({ name }) => config.contracts.served.includes(name))
}

/** Everything that a request meets, in that order. */
export function createApp(parts: AppParts): RequestListener {
  const { config, services, logger, applicationFolder, sharedCounters, whyNotReady, isDatabaseUnavailable } = parts
  const { server, links, production } = config
  const translateFault = createFaultTranslator(logger, isDatabaseUnavailable)
  const served = servedContracts(config)

  const app = express()
  app.set('trust proxy', server.trustProxy)
  app.set('etag', false)
  app.set('x-powered-by', false)
  app.set('query parser', false)
  app.set('case sensitive routing', true)
  const https = server.publicUrl.startsWith('https:')
  app.use(
    inTurn([
      observeRequests({ logger, count: parts.countRequest, startSpan: parts.startRequestSpan }),
      securityHeaders({ https }),
      checkRequestHeaders,
      ignoreConditions,
      ...(production ? [] : [refuseForeignHosts(server)]),
      crossOrigin(server.corsOrigins, server.corsHeaders),
    ]),
  )
  const warn = warnOfProxies(logger, server)

  const limited = server.rateLimits ? served.flatMap(({ rows }) => rows.map(({ endpoint }) => endpoint)) : []
  const limiterOf = createLimiters(limited, server.requestsPerMinute, sharedCounters)
  const browsers = createBrowserRules(server)
  const checkDeclared = production ? undefined : createDeclarationCheck(authenticationErrors)
  // Before the contracts, as some lie below a prefix of theirs.
  app.use(createPages(createOldLinkPages(links.frontendUrl)))
  const documents = createDocuments(config)
  for (const contract of served) {
    const sunset = config.contracts.sunsets[contract.name]
    const route = createContractRouter(contract, {
      services,
      policy: contractPolicy(contract, config),
      document: () => documents(contract.name),
      sessions: services.sessions,
      limiterOf,
      browsers,
      faults: { translate: translateFault, checkDeclared },
    })
    app.use(contract.prefix, inTurn([warn, ...(sunset ? [announceSunset(sunset)] : []), route]))
  }
  // Requested on this machine, without a proxy.
  app.use(
    createHealthRouter({
      whyNotReady,
      isOperator: (token) => verifyOperatorToken(token, config.secretKeys, new Date()),
    }),
  )
  app.use(warn)

  const definitions = [
    ...Object.values(requestErrors),
    ...authenticationErrors,
    ...contracts.flatMap(({ rows }) => rows.flatMap(({ endpoint }) => endpoint.errors)),
  ]
  app.use(createPages([createProblemsPage(definitions)]))
  if (server.docs) app.use(createDocs(served))
  const describeOwn = () => {
    const value = documents('v1')
    return value && { kind: 'json' as const, value }
  }
  app.use(createPages([{ path: '/openapi.json', render: describeOwn }]))
  if (services.mailbox)
    app.use(createPages(createMailboxPages({ mailbox: services.mailbox, worker: services.mailWorker })))
  // Behind all the others, so that none of its paths hides one of theirs.
  const linked = {
    contracts: served,
    docs: server.docs,
    mailbox: services.mailbox !== undefined,
    forPrograms: links.toOwnPages && !production,
  }
  const application = links.toOwnPages && applicationFolder && createApplication(applicationFolder, linked)
  app.use(application || createHome(linked))
  if (links.toOwnPages && !application) app.use(createPages([verificationPage, passwordResetPage]))

  app.use((_request, _response, next) => next(new AuthError(requestErrors.not_found)))
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    // Requests that are refused before a contract sees them are refused in its error format as well.
    const place = served.find(({ prefix }) => isBelow(request.path, prefix))
    sendError(error, response, place?.errorFormat ?? problemDetails, translateFault)
  })
  // What Express refuses before all of the above; Express itself would answer with a page.
  const sendRawResponse = createRawResponse({ https, logger })
  const unrouted = new AuthError(requestErrors.invalid_request)
  return createListener(app, (response) => sendRawResponse(unrouted, response))
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`)
}

function createFaultTranslator(
  logger: Logger,
  isDatabaseUnavailable: AppParts['isDatabaseUnavailable'],
): TranslateFault {
  return (fault, { requestId, traceId }) => {
    const ids = { request_id: requestId, trace_id: traceId }
    if (isDatabaseUnavailable(fault)) {
      logger.warn(ids, 'the database cannot be reached')
      return new AuthError(requestErrors.database_unavailable)
    }
    logger.error({ ...ids, error: fault }, 'a request failed by a fault of ours')
    return new AuthError(requestErrors.internal_error)
  }
}
