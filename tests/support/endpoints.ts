import { z } from 'zod'
import { django } from '../../src/contracts/django/error-format.ts'
import { contracts } from '../../src/contracts/index.ts'
import type { Row } from '../../src/http/contracts/contract.ts'
import { bucketOf } from '../../src/http/contracts/endpoint.ts'
import { AuthError, requestErrors } from '../../src/kernel/errors.ts'

interface Field {
  readonly name: string
  /** A sample text that the field takes. */
  readonly sample: string
  readonly optional: boolean
  readonly mayBeEmpty: boolean
}

const someId = '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c'
/** The sample for fields that take any text at first. */
const named: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  username: 'ada',
  // A password has another sample, as it must not be similar to a name.
  first_name: 'Ada',
  last_name: 'Lovelace',
  phone_number: '+44 20 7946 0018',
  cursor: '',
  limit: '1',
}
// The first one is a valid password as well.
const samples = ['canary horse battery', 'ada', 'ada@example.com', 'Europe/Paris']

/** Every endpoint of every contract, with its fields derived from its own schema: a new one needs no line here. */
export const targets = contracts.flatMap(({ name: contract, prefix, errorFormat, takesForms, trailingSlash, rows }) =>
  rows.map((row) => {
    const { method, path, endpoint, wire } = row
    const params = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    return {
      contract,
      prefix,
      errorFormat,
      takesForms,
      trailingSlash,
      name: endpoint.name,
      route: `${method} ${prefix}${path}`,
      method,
      /** The path with an id that does not exist for each parameter. */
      path: (prefix + path).replaceAll(/\{\w+\}/g, someId),
      /** The path with the names of the parameters in braces. */
      pattern: prefix + path,
      access: endpoint.access,
      limit: bucketOf(endpoint),
      description: endpoint.description,
      takesPassword: Object.keys(endpoint.input.shape).some((name) => name.includes('password')),
      /** The contract's name of a field of the endpoint; undefined where the contract has no such field. */
      word: (field: string) => (field in endpoint.input.shape ? wordOf(row, field) : undefined),
      hasBody: ['POST', 'PUT', 'PATCH'].includes(method),
      fields: Object.entries(wire.shape)
        .filter(([name, schema]) => !params.includes(name) && !takesBoolean(schema))
        .map(([name, schema]) => describeField(name, schema)),
    }
  }),
)

export type Target = (typeof targets)[number]

/** The endpoints of our own API. */
export const endpoints = targets.filter(({ contract }) => contract === 'v1')

/** The endpoints of the contracts with Django's error format, be it with other answers to some errors. They read fields as Django does. */
export const djangoEndpoints = targets.filter(({ errorFormat }) => errorFormat.refusal === django.refusal)

/** As errors that blame a field say it. */
function wordOf({ translateError }: Pick<Row<never>, 'translateError'>, field: string): string | undefined {
  const issue = { path: [field], code: 'required', detail: '' }
  const translated = translateError(new AuthError(requestErrors.invalid_request, { issues: [issue] }))
  const [word] = (translated as AuthError).details.issues?.[0]?.path ?? []
  return word === undefined ? undefined : String(word)
}

/** Such fields are no texts, and no request needs them. */
function takesBoolean(schema: z.core.$ZodType): boolean {
  return z.safeParse(schema, true).success
}

function describeField(name: string, schema: z.core.$ZodType): Field {
  const takes = (value: unknown) => z.safeParse(schema, value).success
  const sample = [...(named[name] === undefined ? [] : [named[name]]), ...samples].find(takes)
  if (sample === undefined) throw new Error(`none of the samples fits the field ${name}: add one that does`)
  return { name, sample, optional: takes(undefined), mayBeEmpty: takes('') }
}

/** A valid body. */
export function sampleBody({ fields }: Target): Record<string, unknown> {
  return Object.fromEntries(fields.map(({ name, sample }) => [name, sample]))
}
