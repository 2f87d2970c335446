import type { Request, Response } from 'express'
import type { AuthenticatedCaller, Caller, ReadingCaller } from '../../kernel/caller.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { ContractPolicy } from '../../kernel/policy.ts'
import { parseDuration } from '../../kernel/time.ts'
import type { Row } from '../contracts/contract.ts'
import type { Endpoint } from '../contracts/endpoint.ts'
import type { FormRules } from './body.ts'
import { readBody, readQuery } from './body.ts'
import type { BrowserRules } from './browser-rules.ts'
import { readCaller } from './caller.ts'
import { startDeadline } from './deadline.ts'
import type { CheckDeclared } from './declared-errors.ts'
import { localsOf } from './locals.ts'
import { sendJson } from './send-json.ts'

export interface AnswerParts<Needs> {
  readonly services: Needs
  readonly policy: ContractPolicy
  readonly sessions: Sessions
  readonly browsers: BrowserRules
  readonly takesForms: boolean
  /** `checkDeclared` makes a fault of an error that the endpoint does not declare. Absent in production. */
  readonly faults: { readonly checkDeclared: CheckDeclared | undefined }
}

interface Sessions {
  /** Turns a caller with an access token into one with a live session. */
  authenticate(caller: Caller, endpoint: Pick<Endpoint<never>, 'logsOut' | 'takesStep'>): Promise<AuthenticatedCaller>
  /** The same for an endpoint that changes nothing. */
  authenticateToRead(caller: Caller): Promise<ReadingCaller>
  /** Throws if the user authenticated more than so many seconds ago. */
  requireRecent(caller: AuthenticatedCaller, maxAge: number): Promise<void>
}

/** The path of a request from here to its endpoint and back. */
export async function answer<Needs>(
  row: Row<Needs>,
  parts: AnswerParts<Needs>,
  request: Request,
  response: Response,
): Promise<void> {
  const { endpoint } = row
  const { policy, faults } = parts
  const { listedOrigins, refreshTransport, readDevice, leaveCookies, clearSiteData } = parts.browsers
  const { requestId, traceId } = localsOf(response)
  const unproven = readCaller(request, { requestId, traceId, device: readDevice(request), policy })
  const inTime = startDeadline()
  const authenticated =
    endpoint.access === 'bearer' ? await inTime(authenticate(endpoint, parts, unproven, response)) : undefined
  const reader =
    endpoint.access === 'bearer_to_read' ? await inTime(authenticateToRead(parts, unproven, response)) : undefined
  const takesForms = parts.takesForms && !refreshTransport.mayUseCookie(request)
  const rules = { takesForms, listedOrigins }
  const sent = refreshTransport.receive(row, request, await readSource(row, request, response, rules))
  const input = row.read({ ...sent, ...request.params })
  if (authenticated && endpoint.fresh !== undefined) await inTime(requireFresh(endpoint, parts, input, authenticated))
  const caller = authenticated ?? reader ?? unproven
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

/** The caller with the session of the access token. */
async function authenticate<Needs>(
  endpoint: Row<Needs>['endpoint'],
  { sessions }: AnswerParts<Needs>,
  caller: Caller,
  response: Response,
): Promise<AuthenticatedCaller> {
  const authenticated = await sessions.authenticate(caller, endpoint)
  localsOf(response).userId = authenticated.user.id
  return authenticated
}

/** The same for an endpoint that reads. */
async function authenticateToRead<Needs>(
  { sessions }: AnswerParts<Needs>,
  caller: Caller,
  response: Response,
): Promise<ReadingCaller> {
  const reader = await sessions.authenticateToRead(caller)
  localsOf(response).userId = reader.user.id
  return reader
}

async function requireFresh<Needs>(
  { fresh, freshWhen }: Row<Needs>['endpoint'],
  { sessions }: AnswerParts<Needs>,
  input: unknown,
  caller: AuthenticatedCaller,
): Promise<void> {
  if (fresh === undefined || freshWhen?.(input, caller) === false) return
  await sessions.requireRecent(caller, parseDuration(fresh) ?? 0)
}
