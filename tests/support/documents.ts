import type { ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { createDocuments } from '../../src/contracts/documents.ts'
import { contracts } from '../../src/contracts/index.ts'
import { readConfig } from '../../src/settings/config.ts'
import { beforeAnyPath } from './error-formats.ts'

interface Operation {
  readonly responses: Readonly<
    Record<string, { content?: Readonly<Record<string, { schema: object; examples?: object }>> }>
  >
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}

const describe = createDocuments(readConfig({}))

export const documents = new Map(contracts.map(({ name }) => [name as string, describe(name) as unknown as Document]))

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
for (const [name, { components }] of documents) ajv.addSchema({ $id: `/${name}`, components })

const validators = new WeakMap<object, ValidateFunction>()

/** Whether the value matches the schema of that document, and if not, why. */
export function mismatch(contract: string, schema: object, value: unknown): string | undefined {
  const located = () => JSON.parse(JSON.stringify(schema).replaceAll('"#/', `"/${contract}#/`))
  const validate = validators.get(schema) ?? ajv.compile(located())
  validators.set(schema, validate)
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

const routes = contracts.flatMap(({ name, prefix, trailingSlash, rows }) =>
  rows.map(({ method, path }) => ({
    contract: name,
    method: method.toLowerCase(),
    path: path.replace(/\/$/, ''),
    pattern: new RegExp(
      `^${prefix}${path.replace(/\/$/, '').replaceAll(/\{\w+\}/g, '[^/]+')}${trailingSlash ? '/?' : ''}$`,
    ),
  })),
)

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly text?: string
}

/**
 * Compares an answer with the document of its contract: the status is declared, and the body has no field that the
 * document does not name. Answers outside operations, and those of Node before it reads the path, are not compared.
 */
export function holdAgainstDocument(method: string, target: string, answer: Answer, served?: readonly string[]): void {
  const [path = ''] = target.split(/[?#]/)
  const route = routes
    .filter(({ contract }) => served?.includes(contract) ?? true)
    .find((known) => known.method === method.toLowerCase() && known.pattern.test(path))
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
  if (!route || beforeAnyPath.includes(answer.status)) return
  const operation = documents.get(route.contract)?.paths[route.path]?.[route.method]
  const what = `${method} ${path} answers ${answer.status}`
  const response = operation?.responses[answer.status]
  if (!response) throw new Error(`${what}, which the document does not announce: ${answer.text}`)
  const media = Object.entries(response.content ?? {})
  if (media.length === 0) {
    if (answer.text) throw new Error(`${what} with a body, and the document knows none: ${answer.text}`)
    return
  }
  const [, content] = media.find(([name]) => name === type) ?? []
  if (!content) throw new Error(`${what} as ${type}, and the document says ${media.map(([name]) => name).join(', ')}`)
  if (type === 'text/html') return
  const { code } = (answer.body ?? {}) as { code?: unknown }
  const isUnknown = type === 'application/problem+json' && !Object.hasOwn(content.examples ?? {}, String(code))
  if (isUnknown) throw new Error(`${what} with ${code}, which the document does not announce`)
  const problem = mismatch(route.contract, content.schema, answer.body)
  if (problem !== undefined) throw new Error(`${what}, and ${problem}: ${answer.text}`)
}
