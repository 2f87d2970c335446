import fc from 'fast-check'
import type { Target } from '../support/endpoints.ts'
import { targets } from '../support/endpoints.ts'
import { hostileHeaders, hostileJson, hostilePaths, hostileSteps, hostileTexts, lengths } from './hostile.ts'

/** The value of a field, written so that a failing case can be read. */
export type Value =
  /** The values for a field of this name: one that the world holds, and this fallback. */
  | { readonly live: string }
  | { readonly json: string }
  | { readonly text: string; readonly times: number }
  /** Lists in lists. */
  | { readonly depth: number }
  /** In an address as it is; elsewhere a text. */
  | { readonly raw: string }

const shapes = [
  'plain',
  'every field twice',
  'fields without end',
  'fields beyond all limits',
  'in a list',
  'cut',
  'with a byte order mark',
  'UTF-16',
  'broken UTF-8',
  'compressed',
  'chunked',
  'empty',
] as const

export type Shape = (typeof shapes)[number]

/** One request to an endpoint. Numbers choose its tokens, passwords and addresses: 0 is the plainest choice. */
export interface Call {
  readonly target: string
  /** The user whose name, address and password it holds. */
  readonly who: number
  /** The user whose tokens it holds. */
  readonly holder: number
  /** Which of the tokens, ids and spellings. */
  readonly which: number
  /** Which of the two passwords of a user is meant; fields for the old one get the other. */
  readonly secret: number
  readonly values: Readonly<Record<string, Value>>
  readonly extra: Readonly<Record<string, string>>
  readonly shape: Shape
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** Whether the database is compared before and after. */
  readonly watched: boolean
}

export interface Visit {
  readonly visit: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

export type Step = Call | Visit | { readonly pass: string }

const byName = new Map(targets.map((target) => [nameOf(target), target]))

export function nameOf({ contract, route }: Pick<Target, 'contract' | 'route'>): string {
  return `${contract} ${route}`
}

export function targetOf({ target }: Pick<Call, 'target'>): Target {
  const found = byName.get(target)
  if (!found) throw new Error(`no contract has ${target}`)
  return found
}

/** The names of all fields, those in the path included. */
function fieldsOf({ fields, pattern }: Target): string[] {
  return [...fields.map(({ name }) => name), ...paramsOf(pattern)]
}

export function paramsOf(pattern: string): string[] {
  return [...pattern.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
}

/** The requests of an honest client. */
export function plainCall(target: Target, who = 0): Call {
  const fields = fieldsOf(target)
  // A registration is completed with its own password or with a new one.
  const sent = fields.includes('password') ? fields.filter((name) => name !== 'new_password') : fields
  const live = Object.fromEntries(sent.map((name) => [name, { live: '' }]))
  const bearer = target.access.startsWith('bearer') ? { Authorization: 'Bearer {access}' } : {}
  return {
    target: nameOf(target),
    ...{ who, holder: who, which: 0, secret: 0 },
    values: live,
    extra: {},
    shape: 'plain',
    query: '',
    headers: { Accept: 'application/json', 'Content-Type': 'application/json', ...bearer },
    watched: false,
  }
}

const hostileText = fc.constantFrom(...hostileTexts)

const hostileValue: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: hostileText.map((live) => ({ live })) },
  { weight: 3, arbitrary: hostileText.map((text) => ({ text, times: 1 })) },
  { weight: 2, arbitrary: fc.constantFrom(...hostileJson).map((json) => ({ json })) },
  {
    weight: 2,
    arbitrary: fc.record({
      text: fc.constantFrom('a', '1', '"', 'ß', '\u{1f600}'),
      times: fc.constantFrom(...lengths),
    }),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map((text) => ({ text, times: 1 })) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }).map((json) => ({ json })) },
  { weight: 1, arbitrary: fc.constantFrom(...hostileSteps).map((raw) => ({ raw })) },
  { weight: 1, arbitrary: fc.constantFrom(10, 5000).map((depth) => ({ depth })) },
)

const value: fc.Arbitrary<Value> = fc.oneof(fc.constant({ live: '' }), hostileValue)

const extra = fc.dictionary(
  fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '$where', '\ud800'),
    fc.constantFrom('id', 'is_staff', 'is_superuser', 'is_active', 'email_verified', 'account_status', 'email'),
    fc.string({ unit: 'binary', maxLength: 80 }),
  ),
  fc.constantFrom(...hostileJson),
  { maxKeys: 3 },
)

/** Any of the members, and any of them absent. */
function someOf<Member>(members: Readonly<Record<string, fc.Arbitrary<Member>>>): fc.Arbitrary<Record<string, Member>> {
  return fc.record(members, { requiredKeys: [] }) as fc.Arbitrary<Record<string, Member>>
}

const headers = someOf(
  Object.fromEntries(
    Object.entries(hostileHeaders).map(([name, values]) => [
      name,
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...values) },
        { weight: 1, arbitrary: fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map(latin1), maxLength: 40 }) },
      ),
    ]),
  ),
)

function latin1(code: number): string {
  return code > 0x7e && code < 0xa0 ? '~' : String.fromCharCode(code)
}

/** Mostly one's own tokens, and mostly the newest. */
const holding = {
  who: fc.nat(2),
  which: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(5) }),
  secret: fc.nat(1),
}

function plainCallOf(target: Target): fc.Arbitrary<Call> {
  return fc
    .record({ ...holding, watched: fc.boolean() })
    .map((chosen) => ({ ...plainCall(target, chosen.who), ...chosen }))
}

/** One field is wrong and all others are right, so no other field causes the refusal. */
function spoiltCallOf(target: Target): fc.Arbitrary<Call> {
  const fields = fieldsOf(target)
  if (fields.length === 0) return plainCallOf(target)
  return fc
    .record({ call: plainCallOf(target), field: fc.constantFrom(...fields), value: hostileValue })
    .map(({ call, field, value }) => ({ ...call, values: { ...call.values, [field]: value } }))
}

function wildCallOf(target: Target): fc.Arbitrary<Call> {
  const plain = plainCall(target)
  const usual = fc.constant(plain.headers)
  const fields = fieldsOf(target)
  return fc.record({
    target: fc.constant(plain.target),
    ...holding,
    holder: fc.nat(2),
    values: someOf(Object.fromEntries(fields.map((name) => [name, value]))),
    extra: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: extra }),
    shape: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Shape>('plain') },
      { weight: 1, arbitrary: fc.constantFrom(...shapes) },
    ),
    query: fc.oneof(
      { weight: 6, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom(...hostilePaths) },
    ),
    headers: fc.oneof(
      { weight: 3, arbitrary: usual },
      { weight: 2, arbitrary: headers.map((more) => ({ ...plain.headers, ...more })) },
      { weight: 1, arbitrary: headers },
    ),
    watched: fc.boolean(),
  })
}

const prefixes = [...new Set(targets.map(({ pattern }) => pattern.split('{')[0] ?? '')), '/', '/healthz', '/readyz']
const pages = ['/docs', '/problems', '/openapi.json', '/mailbox', '/verify-email', '/reset-password']

const visit: fc.Arbitrary<Visit> = fc.record({
  visit: fc
    .tuple(fc.constantFrom(...prefixes, ...pages), fc.constantFrom('', ...hostilePaths, ...hostileSteps))
    .map((parts) => parts.join('')),
  method: fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'),
  headers,
})

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.oneof(...targets.map(plainCallOf)) },
  { weight: 10, arbitrary: fc.oneof(...targets.map(spoiltCallOf)) },
  { weight: 5, arbitrary: fc.oneof(...targets.map(wildCallOf)) },
  { weight: 1, arbitrary: visit },
  { weight: 1, arbitrary: fc.constantFrom('11s', '16m', '31m', '25h', '8d').map((pass) => ({ pass })) },
)
