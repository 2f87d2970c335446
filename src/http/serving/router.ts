import type { Request, RequestHandler, Response } from 'express'
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
import { readOnly } from './read-only.ts'
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

/**
 * A contract's table as routes. Every request of every contract takes the one path of `answer`. Paths without parameters are found
 * at once; Express would compare the path of a request with those of all routes before.
 */
export function createContractRouter<Needs>(
  contract: Contract<Needs>,
  routerParts: RouterParts<Needs>,
): RequestHandler {
  const { trailingSlash, prefix, rows } = contract
  const parts = { ...routerParts, takesForms: contract.takesForms }
  const fixed = new Map<string, RequestHandler>()
  const router = Router({ caseSensitive: true, strict: !trailingSlash })
  const add = (path: string, handle: RequestHandler) => {
    if (path.includes('{')) router.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), handle)
    else for (const spelling of trailingSlash ? [path, toggleSlash(path)] : [path]) fixed.set(spelling, handle)
  }
  for (const path of new Set(rows.map((row) => row.path))) {
    const ofPath = rows.filter((row) => row.path === path)
    add(path, serve(ofPath, prefix + path, parts))
  }
  add(
    '/openapi.json',
    readOnly((_request, response) => {
      response.json(parts.document())
    }),
  )
  return (request, response) => {
    localsOf(response).contract = contract.name
    const handle = fixed.get(request.path) ?? router
    handle(request, response, (error?: unknown) => {
      const reason = error ?? new AuthError(requestErrors.not_found)
      sendError(reason, response, contract.errorFormat, parts.faults.translate)
    })
  }
}

/** The same path with a slash at its end, or without the one that it has. */
function toggleSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : `${path}/`
}

/** Serves the rows of one path. */
function serve<Needs>(
  rows: readonly Row<Needs>[],
  path: string,
  parts: RouterParts<Needs> & Pick<Contract<Needs>, 'takesForms'>,
): RequestHandler {
  const routes = rows.map((row) => ({ row, methods: methodsOf(row), limit: parts.limiterOf(row.endpoint) }))
  const allow = routes.flatMap(({ methods }) => methods)
  return (request, response, next) => {
    const locals = localsOf(response)
    locals.path = path
    for (const { row, methods, limit } of routes) {
      if (row.page && isVisit(request, parts.browsers.listedOrigins)) return sendPage(response, row.page)
      if (!methods.includes(request.method)) continue
      locals.endpoint = row.endpoint.name
      locals.access = row.endpoint.access
      limit(request, response, (refusal?: unknown) => {
        if (refusal) return next(refusal)
        // Without an error, next() would go on as if no answer had been sent.
        answer(row, parts, request, response).catch((error: unknown) => next(error ?? new Error('no reason given')))
      })
      return
    }
    if (request.method === 'OPTIONS') response.set('Allow', allow.join(', ')).status(204).end()
    else next(new AuthError(requestErrors.method_not_allowed, { allow }))
  }
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
  response.statusCode = row.status
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
