import type { TraceContext } from '../../kernel/ports.ts'

const format = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** Reads the header `traceparent`; undefined when it is none, which changes nothing else. */
export function readTraceparent(header: string | string[] | undefined): TraceContext | undefined {
  const [, version, traceId, parentId, flags = '', rest] = (typeof header === 'string' && format.exec(header)) || []
  // Later versions may add fields.
  if (traceId === undefined || parentId === undefined || (version === '00' && rest !== undefined)) return undefined
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
