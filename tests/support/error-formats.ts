import { contracts } from '../../src/contracts/index.ts'
import { problemDetails } from '../../src/http/contracts/error-format.ts'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Undefined for a HEAD. */
  readonly text: string | undefined
}

interface Place {
  readonly contract: string
  readonly prefix: string
  readonly speaksProblems: boolean
}

const placesOf = new Map<string, readonly Place[]>()

/** Checks every answer of the server at that address against the error format of the contract of its path. */
export function rememberErrorFormats(url: string, served: readonly string[]): void {
  const places = contracts
    .filter(({ name }) => served.includes(name))
    .map(({ name: contract, prefix, errorFormat }) => ({
      contract,
      prefix,
      speaksProblems: errorFormat === problemDetails,
    }))
  placesOf.set(url, places)
}

/** The contracts that the server at that address serves, if a test started it. */
export function servedAt(url: string): readonly string[] | undefined {
  return placesOf.get(url)?.map(({ contract }) => contract)
}

/** Statuses that the server answers with before it has read the path. */
export const beforeAnyPath = [408, 431]

/** Fails when a refusal has another error format than the contract of its prefix. */
export function expectErrorFormat(url: string, path: string, { status, headers, text }: Answer): void {
  const asked = path.replace(/[?#].*/s, '')
  const place = placesOf.get(url)?.find(({ prefix }) => asked === prefix || asked.startsWith(`${prefix}/`))
  if (!place || status < 400 || beforeAnyPath.includes(status)) return
  const type = String(headers['content-type']).split(';')[0]
  const wanted = place.speaksProblems ? 'application/problem+json' : 'application/json'
  if (type !== wanted || (!place.speaksProblems && text?.includes('/problems#'))) {
    throw new Error(`${path} is to refuse in ${wanted} and answered with ${status} ${type}: ${text}`)
  }
}

/**
 * A refusal of a published contract in one line, such as `401 {"detail":"…","code":"token_not_valid"}`. Fails unless it
 * is JSON with the header fields that Django's clients look for.
 */
export function foreignRefusalOf({ status, headers, text = '' }: Answer): string {
  expect(headers['content-type']).toMatch(/^application\/json(; charset=utf-8)?$/)
  expect(headers['www-authenticate']).toBe(status === 401 ? 'Bearer realm="api"' : undefined)
  expect(headers['cache-control']).toBe('no-store')
  expect(text).not.toMatch(/<html|<pre|node_modules|\.ts:\d|prisma|postgres|zod|express|request_id|problems#/i)
  expect(text.length).toBeLessThan(4096)
  return `${status} ${JSON.stringify(JSON.parse(text))}`
}

const said = (status: number, body: object) => `${status} ${JSON.stringify(body)}`
const token = (detail: string, rest: object = {}) => said(401, { detail, code: 'token_not_valid', ...rest })

/** The messages that all contracts with Django's error format share, word for word. */
export const django = {
  fields: (errors: Readonly<Record<string, readonly string[]>>) => said(400, errors),
  required: (...names: string[]) =>
    said(400, Object.fromEntries(names.map((name) => [name, ['This field is required.']]))),
  noCredentials: said(401, { detail: 'Authentication credentials were not provided.' }),
  noAccount: said(401, { detail: 'No active account found with the given credentials' }),
  badAccess: token('Given token not valid for any token type', {
    messages: [{ token_class: 'AccessToken', token_type: 'access', message: 'Token is invalid or expired' }],
  }),
  badRefresh: token('Token is invalid or expired'),
  blacklisted: token('Token is blacklisted'),
  notFound: said(404, { detail: 'Not found.' }),
  wrongMethod: (method: string) => said(405, { detail: `Method "${method}" not allowed.` }),
  badToken: (kind: 'reset' | 'verification') =>
    said(400, { detail: `The ${kind} token is wrong, used or expired: ask for a new one.` }),
}
