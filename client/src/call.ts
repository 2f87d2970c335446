import type { Api } from './api.ts'
import { readReply } from './problem.ts'
import type { InputOf, Operation, ReplyOf } from './types.ts'

/** Calls an operation of the server's API, typed by its OpenAPI document. */
export type Call = <Name extends Operation>(
  operation: Name,
  ...input: Record<string, never> extends InputOf<Name> ? [input?: InputOf<Name>] : [input: InputOf<Name>]
) => Promise<ReplyOf<Name>>

interface Input {
  readonly body?: unknown
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
}

export function createCall({ api, fetch }: { readonly api: Api; readonly fetch: typeof globalThis.fetch }): Call {
  return async (operation, ...[input]) => {
    const { body, path = {}, query = {} } = (input ?? {}) as Input
    const [method = '', template = ''] = operation.split(' ')
    const url = new URL(api.address + template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name] ?? '')))
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value))
    const json = body !== undefined && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
    return (await readReply(await fetch(url, { method, ...json }))) as never
  }
}
