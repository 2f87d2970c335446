import type { Response } from 'express'
import type { ErrorDefinition } from '../../kernel/errors.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { ErrorFormat } from '../contracts/error-format.ts'
import type { RequestLocals } from './locals.ts'
import { localsOf } from './locals.ts'

/** Logs a fault and says what to answer: `database_unavailable` or `internal_error`. */
export type TranslateFault = (fault: unknown, request: Pick<RequestLocals, 'requestId' | 'traceId'>) => AuthError

const byStatus: Readonly<Record<number, ErrorDefinition>> = {
  400: requestErrors.invalid_request,
  413: requestErrors.body_too_large,
  415: requestErrors.unsupported_media_type,
}

/** A value of a header is sent back up to this length. */
const longestMediaType = 100

/** Answers a failure from anywhere in the error format of the contract it happened in. */
export function sendError(
  error: unknown,
  response: Response,
  { present }: ErrorFormat,
  translateFault: TranslateFault,
): void {
  const locals = localsOf(response)
  const refusal = asRefusal(error) ?? translateFault(error, locals)
  if (response.headersSent) {
    response.destroy()
    return
  }
  locals.code = refusal.definition.code
  const { requestId, access } = locals
  const { method } = response.req
  const mediaType = (response.req.get('content-type') ?? '').slice(0, longestMediaType)
  const authorization = response.req.get('authorization') ?? ''
  const context = { requestId, method, mediaType, access, authorization }
  const { status, contentType, headers, body } = present(refusal, context)
  response.status(status).set(headers).type(contentType).send(JSON.stringify(body))
}

/** A refusal of ours, or one of Express and its body reader, which throw errors with a 4xx status. */
function asRefusal(error: unknown): AuthError | undefined {
  if (error instanceof AuthError) return error
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 0
  const definition = byStatus[status]
  return definition && new AuthError(definition)
}
