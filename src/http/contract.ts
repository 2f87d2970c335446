import type { Endpoint } from './endpoint.ts'
import type { Present } from './present.ts'

/** One method and path of a published surface, and the endpoint behind it. */
export interface Row<Needs> {
  readonly method: string
  /** Below the contract's prefix, with parameters as `{id}`. */
  readonly path: string
  readonly endpoint: Endpoint<Needs>
}

/** A published surface: where it is, how it speaks of errors, and what it offers. */
export interface Contract<Needs> {
  readonly prefix: string
  readonly present: Present
  readonly rows: readonly Row<Needs>[]
}

/** The endpoint as it is declared: its own route, words and answers. */
export function native<Needs>(endpoint: Endpoint<Needs>): Row<Needs> {
  const [method = '', path = ''] = endpoint.route.split(' ')
  return { method, path, endpoint }
}
