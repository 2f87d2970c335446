import { StartError } from '../../kernel/errors.ts'

/** Values as databases, JSON and CSV have them. */

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : ''
}

const yes = /^(t|true|1|y|yes|on)$/i
const no = /^(f|false|0|n|no|off)$/i

/** Undefined where the value is missing. Throws a StartError that names the column where it is neither true nor false. */
export function flagOf(value: unknown, column: string): boolean | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const text = textOf(value)
  if (yes.test(text)) return true
  if (no.test(text)) return false
  throw new StartError(
    `The column ${column} holds something else than true and false: name another one with --map or --verified`,
  )
}

/** An instant in ISO form; null where there is none. One without a zone is in UTC. */
export function instantOf(value: unknown): string | null {
  const instant = value instanceof Date ? value : new Date(inIsoForm(textOf(value)))
  const isUsable = instant.getTime() >= earliest && instant.getTime() < latest
  return isUsable ? instant.toISOString() : null
}

const earliest = Date.UTC(1900, 0)
const latest = Date.UTC(9999, 0)

/** `2026-01-02 03:04:05.678901+02` of PostgreSQL as `2026-01-02T03:04:05.678901+02:00`. */
function inIsoForm(text: string): string {
  const [, day, time, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/.exec(text) ?? []
  if (day === undefined) return text
  return `${day}T${time ?? '00:00:00'}${zone?.replace(/^([+-]\d\d)(?::?(\d\d))?$/, (_, hours, minutes = '00') => `${hours}:${minutes}`) ?? 'Z'}`
}

const uuid = /^([\da-f]{8})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{12})$/i

/** A UUID in its usual form, also of its digits alone, as MySQL and SQLite hold it. */
export function uuidOf(text: string): string | undefined {
  const groups = uuid.exec(text)?.slice(1)
  return groups?.join('-').toLowerCase()
}
