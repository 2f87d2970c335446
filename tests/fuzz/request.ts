import { gzipSync } from 'node:zlib'
import type { Target } from '../support/endpoints.ts'
import type { Call, Shape, Value, Visit } from './calls.ts'
import { paramsOf, targetOf } from './calls.ts'
import type { World } from './world.ts'

/** A request as it goes out. */
export interface Outgoing {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Whether the server may give the connection up before it has read everything. */
  readonly mayBeCutOff: boolean
}

export async function compose(call: Call, world: World): Promise<Outgoing> {
  const target = targetOf(call)
  const params = paramsOf(target.pattern)
  const given = Object.entries(call.values)
  let path = target.pattern
  for (const name of params) {
    const value = call.values[name] ?? { live: '' }
    path = path.replace(`{${name}}`, (await asStep(name, value, call, world)).replaceAll('$', '$$$$'))
  }
  const fields = given.filter(([name]) => !params.includes(name))
  const headers = await fillAll(call.headers, call, world)
  if (!target.hasBody) {
    const pairs = await Promise.all(
      fields.map(async ([name, value]) => `${name}=${await asStep(name, value, call, world)}`),
    )
    const query = pairs.length > 0 ? `?${pairs.join('&')}` : ''
    return { method: target.method, path: sendable(path + query + call.query), headers, mayBeCutOff: false }
  }
  const members = [
    ...(await Promise.all(
      fields.map(async ([name, value]) => [name, await asJson(name, value, call, world)] as const),
    )),
    ...Object.entries(call.extra),
  ]
  const { body, headers: own = {} } = bodyOf(members, call.shape, target)
  return {
    method: target.method,
    path: sendable(path + call.query),
    headers: { ...headers, ...own },
    ...(body && { body }),
    mayBeCutOff: (body?.length ?? 0) > 16_384,
  }
}

export async function composeVisit({ visit, method, headers }: Visit, world: World): Promise<Outgoing> {
  const filled = await fillAll(headers, { holder: 0, which: 0 }, world)
  return { method, path: sendable(visit), headers: filled, mayBeCutOff: false }
}

async function fillAll(
  headers: Readonly<Record<string, string>>,
  call: Pick<Call, 'holder' | 'which'>,
  world: World,
): Promise<Record<string, string>> {
  const filled: Record<string, string> = {}
  for (const [name, text] of Object.entries(headers)) filled[name] = await world.fill(text, call)
  return filled
}

/** The part of a request that Node's own client can send. */
function sendable(path: string): string {
  return path.replaceAll(/[^\x21-\xff]/gu, (character) => encodeURIComponent(character.toWellFormed()))
}

async function asStep(name: string, value: Value, call: Call, world: World): Promise<string> {
  if ('raw' in value) return value.raw
  return encodeURIComponent((await asText(name, value, call, world)).toWellFormed()).slice(0, 4000)
}

async function asJson(name: string, value: Value, call: Call, world: World): Promise<string> {
  if ('json' in value) return value.json
  if ('depth' in value) return '['.repeat(value.depth) + ']'.repeat(value.depth)
  return JSON.stringify(await asText(name, value, call, world))
}

async function asText(name: string, value: Value, call: Call, world: World): Promise<string> {
  if ('live' in value) return (await world.live(name, call)) + value.live
  if ('text' in value) return value.text.repeat(value.times)
  return 'raw' in value ? value.raw : JSON.stringify(value)
}

type Members = readonly (readonly [name: string, json: string])[]

interface Body {
  readonly body?: Buffer
  readonly headers?: Readonly<Record<string, string>>
}

function bodyOf(members: Members, shape: Shape, { fields }: Target): Body {
  const text = objectOf(members)
  switch (shape) {
    case 'plain':
      return { body: Buffer.from(text) }
    case 'every field twice':
      return {
        body: Buffer.from(objectOf([...fields.map(({ name, sample }) => [name, `"${sample}"`] as const), ...members])),
      }
    case 'fields without end':
      return { body: Buffer.from(objectOf([...members, ...unknownMembers(1200)])) }
    case 'fields beyond all limits':
      return { body: Buffer.from(objectOf([...members, ...unknownMembers(12_000)])) }
    case 'in a list':
      return { body: Buffer.from(`[${text}]`) }
    case 'cut':
      return { body: Buffer.from(text.slice(0, -1)) }
    case 'with a byte order mark':
      return { body: Buffer.from(`\ufeff${text}`) }
    case 'UTF-16':
      return { body: Buffer.from(text, 'utf16le') }
    case 'broken UTF-8':
      return { body: Buffer.from(text.replace('"', '"\xff'), 'latin1') }
    case 'compressed':
      return { body: gzipSync(text), headers: { 'Content-Encoding': 'gzip' } }
    case 'chunked':
      return { body: Buffer.from(text), headers: { 'Transfer-Encoding': 'chunked' } }
    case 'empty':
      return {}
  }
}

function objectOf(members: Members): string {
  return `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
}

function unknownMembers(count: number): Members {
  return Array.from({ length: count }, (_, index) => [`k${index}`, '0'] as const)
}
