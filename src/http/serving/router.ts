import type { Request, Response } from 'express'
import { Router } from 'express'
import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { ContractPolicy } from '../../kernel/policy.ts'
import { parseDuration } from '../../kernel/time.ts'
import type { Contract, Row } from '../contracts/contract.ts'
import type { Endpoint } from '../contracts/endpoint.ts'
import { bucketOf } from '../contracts/endpoint.ts'
import type { Json } from '../openapi/schemas.ts'
import { sendPage } from '../pages/page.ts'
import { asksForJson } from './accepts-json.ts'
import type { FormRules } from './body.ts'
import { readBody, readQuery } from './body.ts'
import type { BrowserRules } from './browser-rules.ts'
import { readCaller } from './caller.ts'
import { startDeadline } from './deadline.ts'
import type { CheckDeclared } from './declared-errors.ts'
import type { TranslateFault } from './errors.ts'
import { sendError } from './errors.ts'
import { localsOf } from './locals.ts'
import type { LimiterOf } from './rate-limits.ts'
import { refuseOtherMethods } from './read-only.ts'
import { sendJson } from './send-json.ts'

export interface RouterParts<Needs> {
  readonly services: Needs
  readonly policy: ContractPolicy
  /** The contract's OpenAPI document. */
  readonly document: () => Json | undefined
  readonly sessions: Sessions
  readonly limiterOf: LimiterOf
  readonly browsers: BrowserRules
  readonly faults: Faults
}

interface Faults {
  readonly translate: TranslateFault
  /** Makes a fault of an error that the endpoint does not declare. Absent in production. */
  readonly checkDeclared: CheckDeclared | undefined
}

interface Sessions {
  /** Turns a caller with an access token into one with a live session. */
  authenticate(caller: Caller, endpoint: Pick<Endpoint<never>, 'logsOut' | 'takesStep'>): Promise<AuthenticatedCaller>
  /** Throws if the user authenticated more than so many seconds ago. */
  requireRecent(caller: AuthenticatedCaller, maxAge: number): Promise<void>
}

/** A contract's table as routes. Every request of every contract takes the one path of `answer`. */
export function createContractRouter<Needs>(contract: Contract<Needs>, routerParts: RouterParts<Needs>): Router {
  const { trailingSlash } = contract
  const parts = { ...routerParts, takesForms: contract.takesForms }
  const router = Router({ caseSensitive: true, strict: !trailingSlash })
  router.use((_request, response, next) => {
    localsOf(response).contract = contract.name
    next()
  })
  for (const path of new Set(contract.rows.map((row) => row.path))) {
    const rows = contract.rows.filter((row) => row.path === path)
    const route = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'))
    const allow = rows.flatMap(methodsOf)
    for (const row of rows) {
      const limit = parts.limiterOf(row.endpoint)
      const methods = methodsOf(row)
      const fullPath = contract.prefix + row.path
      route.all((request, response, next) => {
        const locals = localsOf(response)
        locals.path = fullPath
        if (row.page && isVisit(request, parts.browsers.listedOrigins)) return sendPage(response, row.page)
        if (!methods.includes(request.method)) return next()
        locals.endpoint = row.endpoint.name
        locals.access = row.endpoint.access
        limit(request, response, (refusal?: unknown) => {
          if (refusal) return next(refusal)
          // Without an error, next() would go on as if no answer had been sent.
          answer(row, parts, request, response).catch((error: unknown) => next(error ?? new Error('no reason given')))
        })
      })
    }
    route.all((request, response, next) => {
      if (request.method === 'OPTIONS') response.set('Allow', allow.join(', ')).status(204).end()
      else next(new AuthError(requestErrors.method_not_allowed, { allow }))
    })
  }
  router
    .route('/openapi.json')
    .get((_request, response) => {
      response.json(parts.document())
    })
    .all(refuseOtherMethods)
  router.use((_request, _response, next) => next(new AuthError(requestErrors.not_found)))
  router.use((error: unknown, _request: Request, response: Response, _next: unknown) => {
    sendError(error, response, contract.errorFormat, parts.faults.translate)
  })
  return router
}

/** HEAD, which asks for no answer, must not reach an endpoint that changes something. A visit changes nothing. */
function methodsOf<Needs>({ method, endpoint, page }: Row<Needs>): string[] {
  const changesNothing = bucketOf(endpoint).class === 'read' || page
  return method === 'GET' && changesNothing ? ['GET', 'HEAD'] : [method]
}

/** Whether the path is only looked at: by a browser, by a person, or by a program that follows the links in mails. */
function isVisit(request: Request, listedOrigins: readonly string[]): boolean {
  return ['GET', 'HEAD'].includes(request.method) && !asksForJson(request, listedOrigins)
}

/** The path of a request from here to its endpoint and back. */
async function answer<Needs>(
  row: Row<Needs>,
  parts: RouterParts<Needs> & Pick<Contract<Needs>, 'takesForms'>,
  request: Request,
  response: Response,
): Promise<void> {
  const { endpoint } = row
  const { policy, faults } = parts
  const { listedOrigins, refreshTransport, readDevice, leaveCookies, clearSiteData } = parts.browsers
  const { requestId } = localsOf(response)
  const unproven = readCaller(request, { requestId, device: readDevice(request), policy })
  const inTime = startDeadline()
  const authenticated = await inTime(authenticate(endpoint, parts, unproven, response))
  const takesForms = parts.takesForms && !refreshTransport.mayUseCookie(request)
  const rules = { takesForms, listedOrigins }
  const sent = refreshTransport.receive(row, request, await readSource(row, request, response, rules))
  const input = row.read({ ...sent, ...request.params })
  if (authenticated) await inTime(requireFresh(endpoint, parts, input, authenticated))
  const caller = authenticated ?? unproven
  const result = await inTime(endpoint.handle(parts.services, input, caller)).catch((error: unknown) => {
    if (row.refreshField !== undefined && isRefused(error)) {
      refreshTransport.deliver(request, response, 'forgotten', undefined)
    }
    throw row.translateError(faults.checkDeclared ? faults.checkDeclared(error, endpoint) : error)
  })
  const body = leaveCookies(endpoint, result, row.write(result), { request, response })
  if (endpoint.logsOut && clearSiteData.length > 0) {
    response.set('Clear-Site-Data', clearSiteData.map((kind) => `"${kind}"`).join(', '))
  }
  response.status(row.status)
  if (body === undefined) response.end()
  else sendJson(response, body)
}

/** Whether the token that came is worth nothing any more. */
function isRefused(error: unknown): boolean {
  return error instanceof AuthError && error.definition.status === 401
}

async function readSource<Needs>(
  { source, emptyMeansAbsent }: Row<Needs>,
  request: Request,
  response: Response,
  rules: FormRules,
): Promise<Record<string, unknown>> {
  if (source !== 'body') return source === 'query' ? readQuery(request) : {}
  const { fields, isForm } = await readBody(request, response, rules)
  if (!isForm) return fields
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== '' || !emptyMeansAbsent.includes(name)),
  )
}

/** The caller with the session of the access token, where the endpoint demands one. */
async function authenticate<Needs>(
  endpoint: Row<Needs>['endpoint'],
  { sessions }: RouterParts<Needs>,
  caller: Caller,
  response: Response,
): Promise<AuthenticatedCaller | undefined> {
  if (endpoint.access !== 'bearer') return undefined
  const authenticated = await sessions.authenticate(caller, endpoint)
  localsOf(response).userId = authenticated.user.id
  return authenticated
}

async function requireFresh<Needs>(
  { fresh, freshWhen }: Row<Needs>['endpoint'],
  { sessions }: RouterParts<Needs>,
  input: unknown,
  caller: AuthenticatedCaller,
): Promise<void> {
  if (fresh === undefined || freshWhen?.(input, caller) === false) return
  await sessions.requireRecent(caller, parseDuration(fresh) ?? 0)
}
