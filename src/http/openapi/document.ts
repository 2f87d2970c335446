import type { ErrorDefinition } from '../../kernel/errors.ts'
import type { Contract, Row } from '../contracts/contract.ts'
import type { Access } from '../contracts/endpoint.ts'
import { bodyTypesOf, describeBodies } from './bodies.ts'
import { describeRefusals } from './errors.ts'
import { exampleOf } from './examples.ts'
import type { Json, NamedSchemas } from './schemas.ts'
import { createNamedSchemas } from './schemas.ts'
import type { DocumentedTransport } from './transport.ts'
import { deviceParameter, securityOf, securitySchemes, transportParameters } from './transport.ts'

export interface Publication {
  readonly version: string
  /** How the outside reaches this server, without a trailing slash. */
  readonly publicUrl: string
  readonly transport: DocumentedTransport
  /** When the contract will be gone. */
  readonly sunset: Date | undefined
  /** The errors of a request with an access token. */
  readonly authenticationErrors: readonly ErrorDefinition[]
}

const mayCall: Readonly<Record<Access, string>> = {
  public: 'It needs no token.',
  bearer: 'It needs a live access token.',
  bearer_to_read: 'It needs a live access token.',
  refresh: 'It needs a refresh token.',
  bearer_or_refresh: 'It needs an access or a refresh token.',
}

/** Describes a contract in OpenAPI 3.1. Everything is derived from its rows, so nothing can be forgotten or invented. */
export function describeContract<Needs>(contract: Contract<Needs>, publication: Publication): Json {
  const schemas = createNamedSchemas()
  const paths: Record<string, Json> = {}
  const examples: Record<string, Json> = {}
  const operationIds = new Set<string>()
  for (const row of contract.rows) {
    const operationId = operationIdOf(row, operationIds)
    operationIds.add(operationId)
    const operation = describeRow({ contract, row, operationId, publication, schemas, examples })
    const path = row.path.replace(/\/$/, '')
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operation }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: `Authentication: ${contract.title}`,
      version: publication.version,
      license: { name: 'MIT', identifier: 'MIT' },
      contact: { name: 'The operator of this server', url: publication.publicUrl },
      description: descriptionOf(contract, publication),
    },
    servers: [{ url: publication.publicUrl + contract.prefix }],
    tags: [...new Set(contract.rows.map(({ endpoint }) => endpoint.topic))],
    paths,
    components: {
      schemas: schemas.components,
      examples,
      securitySchemes: securitySchemes(publication.transport),
    },
  }
}

function descriptionOf<Needs>(
  { trailingSlash, takesForms, differences }: Contract<Needs>,
  { sunset }: Publication,
): string {
  return [
    `${describeBodies({ takesForms })} Every answer carries X-Request-Id; RateLimit tells what is left of the budget.`,
    ...(trailingSlash ? ['Every path may also end with a slash.'] : []),
    ...(sunset ? [`This contract will be gone from ${sunset.toISOString().slice(0, 10)} on.`] : []),
    ...(differences.length > 0
      ? ['Where it departs from the service that it replaces:', differences.map((line) => `- ${line}`).join('\n')]
      : []),
  ].join('\n\n')
}

/** The endpoint's name; of further rows with that endpoint also their path. */
function operationIdOf<Needs>({ endpoint, method, path }: Row<Needs>, used: ReadonlySet<string>): string {
  if (!used.has(endpoint.name)) return endpoint.name
  const words = [method.toLowerCase(), ...path.split(/[^a-z0-9]+/i)].filter((word) => word !== '')
  return `${endpoint.name}By${words.map(capitalized).join('')}`
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** Of a GET that changes something. */
const visitDescription =
  'Send "Accept: application/json", or fetch() from this origin or a listed one. Every other GET gets a page and changes nothing, as mail scanners follow links too.'

interface Operation<Needs> {
  readonly contract: Contract<Needs>
  readonly row: Row<Needs>
  readonly operationId: string
  readonly publication: Publication
  readonly schemas: NamedSchemas
  /** Those that several operations share, by code. */
  readonly examples: Record<string, Json>
}

function describeRow<Needs>(operation: Operation<Needs>): Json {
  const { endpoint } = operation.row
  return {
    operationId: operation.operationId,
    summary: endpoint.summary,
    description: describeWork(operation.row),
    tags: [endpoint.topic.name],
    ...(operation.publication.sunset && { deprecated: true }),
    security: securityOf(endpoint.access, operation.publication.transport),
    ...describeInput(operation),
    responses: {
      ...describeSuccess(operation),
      ...describeRefusals({ ...operation, authenticationErrors: operation.publication.authenticationErrors }),
    },
  }
}

function describeWork<Needs>({ endpoint, page, method }: Row<Needs>): string {
  const visit = page && method === 'GET' ? [visitDescription] : []
  return [endpoint.description, mayCall[endpoint.access], ...visit].join(' ')
}

function describeInput<Needs>({ contract, row, operationId, schemas, publication }: Operation<Needs>): Json {
  const {
    properties: accepted = {},
    required = [],
    ...object
  } = schemas.describe(row.wire, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  const properties = Object.fromEntries(
    Object.entries(accepted).map(([name, schema]) => {
      const demand = row.demands[name]
      return [name, demand ? { ...schemas.describe(demand, 'input'), ...schema } : schema]
    }),
  )
  const inPath = [...row.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
  const parameters = Object.entries(properties)
    .filter(([name]) => inPath.includes(name) || row.source === 'query')
    .map(
      ([name, schema]): Json => ({
        name,
        in: inPath.includes(name) ? 'path' : 'query',
        required: required.includes(name),
        schema,
        example: exampleOf(schema, schemas, name),
      }),
    )
  if (row.endpoint.trustsDevice) parameters.push(deviceParameter)
  parameters.push(...transportParameters(row, publication.transport))
  const fields = Object.entries(properties).filter(([name]) => !inPath.includes(name))
  if (row.source !== 'body' || fields.length === 0) return parameters.length > 0 ? { parameters } : {}

  // A browser's refresh token may come in a cookie.
  const needed = required.filter((name) => name !== row.refreshField && !inPath.includes(name))
  const body = { ...object, properties: Object.fromEntries(fields), ...(needed.length > 0 && { required: needed }) }
  const media = {
    schema: schemas.name(`${capitalized(operationId)}Request`, body),
    example: exampleOf(body, schemas),
  }
  return {
    ...(parameters.length > 0 && { parameters }),
    requestBody: {
      required: needed.length > 0,
      content: Object.fromEntries(bodyTypesOf(contract).map((type) => [type, media])),
    },
  }
}

function describeSuccess<Needs>({ row, operationId, schemas }: Operation<Needs>): Json {
  const reply = schemas.describe(row.reply, 'output')
  // A schema that allows undefined only stands for an empty body.
  if (Object.keys(reply).length === 0) return { [row.status]: { description: 'Done; there is no body' } }
  return {
    [row.status]: {
      description: 'Done',
      content: {
        'application/json': {
          schema: schemas.name(`${capitalized(operationId)}Reply`, reply),
          example: exampleOf(reply, schemas),
        },
        ...(row.page && row.method === 'GET' && { 'text/html': { schema: { type: 'string' } } }),
      },
    },
  }
}
