import type { z } from 'zod'
import { AuthError } from '../../kernel/errors.ts'
import type { ContractName, ContractPolicy } from '../../kernel/policy.ts'
import type { View } from '../pages/page.ts'
import type { Endpoint } from './endpoint.ts'
import type { ErrorFormat } from './error-format.ts'
import { validate } from './validate.ts'

type Fields = Record<string, unknown>

/** One method and path of a published API, and the endpoint behind it. */
export interface Row<Needs> {
  readonly method: string
  /** Below the contract's prefix, with parameters as `{id}`. */
  readonly path: string
  readonly endpoint: Endpoint<Needs>
  /** Where the fields are read from, beside the path. */
  readonly source: 'body' | 'query' | 'nothing'
  /** Fields that count as not sent when a form sends them empty, as forms send fields that were not filled in. */
  readonly emptyMeansAbsent: readonly string[]
  /** The fields that are sent, in the contract's own words. */
  readonly wire: z.ZodObject
  readonly status: number
  readonly reply: z.ZodType
  /** The input for the endpoint. Throws `invalid_request` in the contract's own words. */
  readonly read: (sent: Fields) => Fields
  /** The answer's body; it keeps only the fields that the reply names. */
  readonly write: (result: unknown) => unknown
  /** The endpoint's schemas of the fields that it takes unchanged, by the contract's names. */
  readonly demands: Readonly<Record<string, z.ZodType>>
  /** An error of the endpoint, with the contract's words for the fields that it blames. */
  readonly translateError: (error: unknown) => unknown
  /** The contract's name of the refresh token that the endpoint takes. */
  readonly refreshField: string | undefined
  /** The page that answers every GET and HEAD of the path, except from programs that ask for JSON. */
  readonly page: View | undefined
}

/** A published API: its prefix, its policy, its error format and its endpoints. */
export interface Contract<Needs> {
  readonly name: ContractName
  readonly title: string
  readonly prefix: string
  /** Whether a path may also end with a slash. */
  readonly trailingSlash: boolean
  /** Whether bodies may be forms as well as JSON. */
  readonly takesForms: boolean
  readonly errorFormat: ErrorFormat
  /** Rules that override the settings. Its own pages, for the links in mails, are below the address of this server. */
  readonly policy: Partial<Pick<ContractPolicy, 'verificationRequired' | 'linkCompletesRegistration'>> & {
    readonly lifetimes?: Partial<ContractPolicy['lifetimes']>
    readonly ownPages?: { readonly verifyEmailPath: string; readonly resetPasswordPath: string }
  }
  /** Where it departs from the service that it replaces, for its users who move. */
  readonly differences: readonly string[]
  readonly rows: readonly Row<Needs>[]
}

/** The endpoints as they are declared, each at its own route with its own words and answers. Those without a route are left out. */
export function ownRows<Needs>(endpoints: readonly Endpoint<Needs>[]): readonly Row<Needs>[] {
  return endpoints.flatMap((endpoint) => (endpoint.route === undefined ? [] : [ownRow(endpoint, endpoint.route)]))
}

function ownRow<Needs>(endpoint: Endpoint<Needs>, route: string): Row<Needs> {
  const { method, path } = parseRoute(route)
  const isInPath = (field: string) => path.includes(`{${field}}`)
  const takesQuery = !takesBody(method) && Object.keys(endpoint.input.shape).some((field) => !isInPath(field))
  return {
    method,
    path,
    endpoint,
    source: takesBody(method) ? 'body' : takesQuery ? 'query' : 'nothing',
    emptyMeansAbsent: [],
    wire: endpoint.input,
    status: endpoint.status,
    reply: endpoint.output,
    // A query may have parameters that are not for the endpoint, such as one that bypasses a cache.
    read: (sent) => validate(endpoint.input, takesQuery ? knownOf(sent, endpoint.input) : sent),
    write: (result) => endpoint.output.parse(result),
    demands: {},
    translateError: (error) => error,
    refreshField: 'refresh_token' in endpoint.input.shape ? 'refresh_token' : undefined,
    page: undefined,
  }
}

function knownOf(sent: Fields, input: z.ZodObject): Fields {
  return Object.fromEntries(Object.entries(sent).filter(([field]) => Object.hasOwn(input.shape, field)))
}

interface Translation<Input extends z.ZodObject, Result, Wire extends z.ZodObject, Reply extends z.ZodType> {
  /** The fields that are sent. Other fields are ignored. */
  readonly wire: Wire
  /**
   * The source of each field of the endpoint: a field, the first sent of several, or a function. Fields with the same
   * name need no entry.
   */
  readonly from?: {
    readonly [Field in keyof z.input<Input>]?:
      | (keyof z.output<Wire> & string)
      | readonly (keyof z.output<Wire> & string)[]
      | (() => z.input<Input>[Field])
  }
  readonly status?: number
  readonly reply: Reply
  readonly to: (result: Result) => z.input<Reply>
  readonly page?: View
}

/** The endpoint with the names and formats of a foreign contract. */
export function serve<Needs, Input extends z.ZodObject, Result, Wire extends z.ZodObject, Reply extends z.ZodType>(
  route: string,
  endpoint: Endpoint<Needs, Input, Result>,
  { wire, from = {}, status = endpoint.status, reply, to, page }: Translation<Input, Result, Wire, Reply>,
): Row<Needs> {
  const { method, path } = parseRoute(route)
  const fields = Object.entries(wire.shape as Readonly<Record<string, z.ZodType>>)
  const sources = from as Readonly<Record<string, string | readonly string[] | (() => unknown) | undefined>>

  /** The contract's name of the field; undefined for a field that it does not have. */
  function wordFor(field: string, sent: Fields): string | undefined {
    const source = Object.hasOwn(sources, field) ? sources[field] : undefined
    const candidates = Array.isArray(source) ? source : [source ?? field]
    const word = candidates.find((name) => sent[name] !== undefined) ?? candidates[0]
    return typeof word === 'string' && Object.hasOwn(wire.shape, word) ? word : undefined
  }

  const shape = endpoint.input.shape as Readonly<Record<string, z.ZodType>>
  const demands = Object.entries(shape).flatMap(([field, schema]) => {
    const source = sources[field] ?? field
    const candidates = typeof source === 'function' ? [] : [source].flat()
    return candidates.filter((word) => Object.hasOwn(wire.shape, word)).map((word) => [word, schema] as const)
  })

  function translate(sent: Fields): Fields {
    const translated = Object.keys(endpoint.input.shape).map((field) => {
      const [source, word] = [sources[field], wordFor(field, sent)]
      return [field, typeof source === 'function' ? source() : word && sent[word]]
    })
    return Object.fromEntries(translated.filter(([, value]) => value !== undefined))
  }

  function translateError(error: unknown, sent: Fields): unknown {
    if (!(error instanceof AuthError) || !error.details.issues) return error
    const issues = error.details.issues.map((issue) => {
      const word = wordFor(String(issue.path[0]), sent)
      // The contract has no such field, so the error names none.
      return { ...issue, path: word === undefined ? [] : [word, ...issue.path.slice(1)] }
    })
    return new AuthError(error.definition, { ...error.details, issues })
  }

  return {
    method,
    path,
    endpoint,
    source: takesBody(method) ? 'body' : 'query',
    emptyMeansAbsent: fields
      .filter(([, field]) => accepts(field, undefined) && !accepts(field, ''))
      .map(([name]) => name),
    wire,
    status,
    reply,
    read(sent) {
      const valid = validate(wire, sent)
      try {
        return validate(endpoint.input, translate(valid))
      } catch (error) {
        throw translateError(error, valid)
      }
    },
    write: (result) => reply.parse(to(result as Result)),
    demands: Object.fromEntries(demands),
    translateError: (error) => translateError(error, {}),
    refreshField: 'refresh_token' in endpoint.input.shape ? wordFor('refresh_token', {}) : undefined,
    page,
  }
}

/** For results that are in the contract's words already. */
export const asIs = <Result>(result: Result) => result

function parseRoute(route: string): { method: string; path: string } {
  const [method = '', path = ''] = route.split(' ')
  return { method, path }
}

function accepts(schema: z.ZodType, value: unknown): boolean {
  return schema.safeParse(value).success
}

function takesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}
