// The parts of two answers that must be the same.
import { isDeepStrictEqual } from 'node:util'

/** The parts of an answer that a client of the framework reads and may compare; of these fields the values as well. */
export function essence({ status, headers, text }, values = []) {
  return {
    status,
    'www-authenticate': headers['www-authenticate'],
    // Other answers may carry it too, where no client needs it.
    allow: status === 405 ? headers.allow?.split(/, */).sort() : undefined,
    // JSON is UTF-8, whether the charset is named or not.
    'content-type': text === '' ? undefined : headers['content-type']?.split(';')[0],
    'retry-after': headers['retry-after'] !== undefined,
    body: status >= 400 ? withoutFigures(parse(text)) : shapeOf(parse(text)),
    values: status >= 400 ? undefined : values.map((name) => comparable(parse(text)[name])),
  }
}

/** The names of the parts that differ. */
export function differingParts(one, other) {
  return Object.keys(one).filter((part) => !isDeepStrictEqual(one[part], other[part]))
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Data differs from server to server; its names and types do not. */
function shapeOf(value) {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]))
}

/** Each server may put spaces into a telephone number as it likes. */
function comparable(value) {
  return /^\+[\d ]+$/.test(value) ? value.replaceAll(' ', '') : value
}

/** Programs do not read the position of a parse error or the length of a wait. */
function withoutFigures(body) {
  if (typeof body?.detail !== 'string') return body
  const detail = body.detail
    .replace(/^((?:JSON|Multipart form) parse error - ).*/s, '$1…')
    .replace(/(?<=Expected available in )\d+ seconds?/, '… seconds')
  return { ...body, detail }
}
