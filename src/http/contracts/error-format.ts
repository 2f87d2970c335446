import { z } from 'zod'
import type { AuthError, InputIssue, Step } from '../../kernel/errors.ts'
import type { Access } from './endpoint.ts'

/** An error as a contract's clients read it. */
export interface ErrorResponse {
  readonly status: number
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** The request in which an error happened, as far as error formats use it. */
export interface ErrorContext {
  readonly requestId: string
  readonly method: string
  readonly mediaType: string
  /** The header of this name, as it came. */
  readonly authorization: string
  /** The access of the endpoint, if the request reached one. */
  readonly access: Access | undefined
}

/** The form that a contract gives to errors. */
export interface ErrorFormat {
  readonly present: (error: AuthError, context: ErrorContext) => ErrorResponse
  /** The schema of error bodies. */
  readonly refusal: z.ZodType
}

/** A step as every contract writes it. */
export const StepReply = z
  .object({
    name: z.string().meta({ description: 'The step to take' }),
    ticket: z.string().optional().meta({ description: 'The ticket to send when the step is taken' }),
    max_age: z.int().optional().meta({ description: 'How many seconds ago the step may have been taken at most' }),
  })
  .meta({ id: 'Step' })

/** The member of a body that tells of the step, if one is needed. */
export function stepMember(step: Step | undefined): { step?: z.infer<typeof StepReply> } {
  if (!step) return {}
  const { maxAge, ...named } = step
  return { step: { ...named, ...(maxAge !== undefined && { max_age: maxAge }) } }
}

/** Our own error format: problem details (RFC 9457). */
export const problemDetails: ErrorFormat = {
  present: presentProblem,
  refusal: z
    .object({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      code: z.string(),
      detail: z.string(),
      request_id: z.string(),
      errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
      step: StepReply.optional(),
    })
    .meta({ id: 'Problem' }),
}

export function presentProblem(error: AuthError, { requestId }: Pick<ErrorContext, 'requestId'>): ErrorResponse {
  const { code, status, message } = error.definition
  const { issues, step } = error.details
  return {
    status,
    contentType: 'application/problem+json',
    headers: errorHeaders(error),
    body: {
      type: `/problems#${code}`,
      title: message,
      status,
      code,
      detail: issues?.[0] ? messageOf(issues[0]) : error.message,
      request_id: requestId,
      ...(issues && {
        errors: issues.map((issue) => ({ pointer: pointerTo(issue.path), code: issue.code, detail: issue.detail })),
      }),
      ...stepMember(step),
    },
  }
}

/** The header fields that HTTP wants beside a status, in every error format. */
export function errorHeaders({ definition, details }: AuthError): Record<string, string> {
  const headers: Record<string, string> = {}
  if (definition.status === 401) headers['WWW-Authenticate'] = 'Bearer'
  if (definition.status === 405) headers.Allow = (details.allow ?? []).join(', ')
  if (definition.status === 429 || definition.status === 503) {
    headers['Retry-After'] = String(details.retryAfterSeconds ?? 1)
  }
  return headers
}

function messageOf({ path, detail }: InputIssue): string {
  return path.length === 0 ? detail : `${path.join('.')}: ${detail}`
}

/** A JSON pointer (RFC 6901) in a fragment. */
function pointerTo(path: readonly PropertyKey[]): string {
  return ['#', ...path.map((step) => String(step).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')
}
