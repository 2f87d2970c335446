import { isDeepStrictEqual } from 'node:util'
import type { ErrorDefinition } from '../../kernel/errors.ts'
import { AuthError, requestErrors, stepErrors } from '../../kernel/errors.ts'
import type { Contract, Row } from '../contracts/contract.ts'
import { bucketOf, needsAccessToken } from '../contracts/endpoint.ts'
import type { ErrorFormat } from '../contracts/error-format.ts'
import { problemDetails } from '../contracts/error-format.ts'
import { transportErrorsOf } from '../serving/refresh-transport.ts'
import type { Json, NamedSchemas } from './schemas.ts'

interface Refusing<Needs> {
  readonly contract: Contract<Needs>
  readonly row: Row<Needs>
  readonly authenticationErrors: readonly ErrorDefinition[]
  readonly schemas: NamedSchemas
  /** Those that several operations share, by code. */
  readonly examples: Record<string, Json>
}

/** Errors found before a path is matched: they come in our own error format. */
const early: readonly ErrorDefinition[] = [
  requestErrors.request_timeout,
  requestErrors.headers_too_large,
  requestErrors.starting,
]

const exampleStep = { name: 'reauthenticate', maxAge: 600 }

interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, Json>>
  readonly content: Readonly<
    Record<string, { readonly schema: Json; readonly examples: Readonly<Record<string, Json>> }>
  >
}

/** By status: which codes there are, and what each looks like, written by the error format itself. */
export function describeRefusals<Needs>(refusing: Refusing<Needs>): Json {
  const { contract, row, schemas, examples } = refusing
  const responses: Record<number, Response> = {}
  const definitions = new Set([...refusalsOf(contract, row, refusing.authenticationErrors), ...early])
  for (const definition of definitions) {
    const errorFormat = early.includes(definition) ? problemDetails : contract.errorFormat
    const { status, contentType, headers, body } = errorFormat.present(sampleOf(definition, row), {
      requestId: '4c1f0a9e-6f0b-4f27-9c55-2f8f6f1d2b60',
      method: row.method,
      mediaType: 'text/plain',
      authorization: '',
      access: row.endpoint.access,
    })
    const { description, headers: known, content } = responses[status] ?? { description: '', content: {} }
    const media = content[contentType] ?? { schema: schemaOf(errorFormat, schemas), examples: {} }
    const names = Object.keys(headers).map((name) => [name, { schema: { type: 'string' } }])
    const all = { ...known, ...Object.fromEntries(names) }
    responses[status] = {
      description: description === '' ? definition.code : `${description}, ${definition.code}`,
      ...(Object.keys(all).length > 0 && { headers: all }),
      content: {
        ...content,
        [contentType]: {
          ...media,
          examples: { ...media.examples, [definition.code]: shared(examples, definition, body) },
        },
      },
    }
  }
  return responses
}

function schemaOf({ refusal }: ErrorFormat, schemas: NamedSchemas): Json {
  return schemas.name('Refusal', schemas.describe(refusal, 'output'))
}

/** A reference to the example, unless the code looks otherwise here than where it was met first. */
function shared(examples: Record<string, Json>, { code, message }: ErrorDefinition, value: unknown): Json {
  const example = { summary: message, value }
  examples[code] ??= example
  return isDeepStrictEqual(examples[code], example) ? { $ref: `#/components/examples/${code}` } : example
}

function refusalsOf<Needs>(
  { takesForms }: Contract<Needs>,
  row: Row<Needs>,
  authenticationErrors: readonly ErrorDefinition[],
): readonly ErrorDefinition[] {
  const { endpoint, source, path } = row
  const e = requestErrors
  return [
    ...endpoint.errors,
    ...(source === 'nothing' && !path.includes('{') ? [] : [e.invalid_request]),
    ...(source === 'body' ? [e.malformed_json, e.body_too_large, e.unsupported_media_type] : []),
    ...(source === 'body' && takesForms ? [e.malformed_form, e.cross_site_form] : []),
    ...(needsAccessToken(endpoint.access) ? authenticationErrors : []),
    ...(endpoint.access.startsWith('bearer') ? [e.unauthenticated] : []),
    ...transportErrorsOf(row),
    e.expectation_failed,
    e.misdirected_request,
    e.rate_limited,
    ...(bucketOf(endpoint).class === 'costly' ? [e.limits_unavailable] : []),
    e.internal_error,
    e.overloaded,
    e.database_unavailable,
  ]
}

function sampleOf<Needs>(definition: ErrorDefinition, row: Row<Needs>): AuthError {
  if (definition === requestErrors.invalid_request) return provoked(row)
  const step = definition === stepErrors.step_required && { step: exampleStep }
  return row.translateError(new AuthError(definition, { retryAfterSeconds: 30, ...step })) as AuthError
}

/** The real answers to a request that breaks a rule: fields are missing, or there is one too many, or they hold nothing. */
function provoked<Needs>({ read, wire, path, source }: Row<Needs>): AuthError {
  const refusal = new AuthError(requestErrors.invalid_request)
  // A path that is found has its parameters: nothing but its spelling can be wrong.
  if (source === 'nothing') return refusal
  const params = Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, 'MQ']))
  const nothing = Object.fromEntries(Object.keys(wire.shape).map((name) => [name, null]))
  for (const sent of [{}, { no_such_field: true }, nothing]) {
    try {
      read({ ...sent, ...params })
    } catch (error) {
      if (error instanceof AuthError) return error
    }
  }
  return refusal
}
