import type { Request, RequestHandler } from 'express'
import { Router } from 'express'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { Contract, Row } from '../contracts/contract.ts'
import { bucketOf } from '../contracts/endpoint.ts'
import type { Json } from '../openapi/schemas.ts'
import { sendPage } from '../pages/page.ts'
import { asksForJson } from './accepts-json.ts'
import type { AnswerParts } from './answer.ts'
import { answer } from './answer.ts'
import type { TranslateFault } from './errors.ts'
import { sendError } from './errors.ts'
import { localsOf } from './locals.ts'
import type { LimiterOf } from './rate-limits.ts'
import { readOnly } from './read-only.ts'

export interface RouterParts<Needs> extends Omit<AnswerParts<Needs>, 'takesForms'> {
  /** The contract's OpenAPI document. */
  readonly document: () => Json | undefined
  readonly limiterOf: LimiterOf
  readonly faults: AnswerParts<Needs>['faults'] & { readonly translate: TranslateFault }
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
  return (request, response, next) => {
    localsOf(response).contract = contract.name
    const handle = fixed.get(request.path) ?? router
    handle(request, response, (error?: unknown) => {
      const reason = error ?? new AuthError(requestErrors.not_found)
      try {
        sendError(reason, response, contract.errorFormat, parts.faults.translate)
      } catch (fault) {
        // Called outside of Express, where a fault would end the process.
        next(fault)
      }
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
  parts: RouterParts<Needs> & AnswerParts<Needs>,
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
