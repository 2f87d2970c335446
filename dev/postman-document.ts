import { createDocuments } from '../src/contracts/documents.ts'
import { readConfig } from '../src/settings/config.ts'

interface Schema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

interface Media {
  readonly schema?: Schema
  readonly example?: unknown
}

type Content = Readonly<Record<string, Media>>

interface OperationObject {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly security: readonly Readonly<Record<string, unknown>>[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

export interface Operation extends OperationObject {
  readonly method: string
  readonly path: string
}

interface Document {
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const config = readConfig({})
const document = createDocuments(config)('v1') as unknown as Document
/** The path of our own API. */
export const prefix = document.servers[0]?.url.slice(config.server.publicUrl.length)

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
)

/** The body, if the document takes its fields and misses none. */
export function checkedBody({ operationId, requestBody }: Operation, body: Readonly<Record<string, string>>) {
  const { properties = {}, required = [] } = resolve(mediaOf(requestBody?.content)?.schema) ?? {}
  const unknown = Object.keys(body).filter((field) => !(field in properties))
  const missing = required.filter((field) => !(field in body))
  if (unknown.length + missing.length > 0) {
    throw new Error(`The body of ${operationId} has unknown fields (${unknown}) or misses some (${missing})`)
  }
  return body
}

export function successOf({ responses }: Operation): string {
  return Object.keys(responses).find((status) => status.startsWith('2')) ?? ''
}

/** The fields that every answer with this status has. */
export function requiredFieldsOf({ responses }: Operation, status: string): readonly string[] {
  return resolve(mediaOf(responses[status]?.content)?.schema)?.required ?? []
}

export function exampleBodyOf({ requestBody }: Operation): unknown {
  return mediaOf(requestBody?.content)?.example
}

function mediaOf(content: Content = {}): Media | undefined {
  return content['application/json'] ?? content['application/problem+json']
}

function resolve(schema: Schema | undefined): Schema | undefined {
  return schema?.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1) ?? '']
}
