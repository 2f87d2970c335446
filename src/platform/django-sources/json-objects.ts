import { StartError } from '../../kernel/errors.ts'

/** Far more than a user takes. */
const longestObject = 1 << 24

const [quote, backslash, openBrace, closeBrace] = ['"', '\\', '{', '}'].map((sign) => sign.charCodeAt(0))

/**
 * The objects of a JSON list, or of lines of JSON, each read when its end has come: a dump is larger than the memory. Throws a StartError at
 * a text that is neither, or whose end is missing.
 */
export async function* jsonObjects(
  pieces: AsyncIterable<string>,
  name: string,
): AsyncIterable<Record<string, unknown>> {
  const refuse = (what: string) =>
    new StartError(`${name} ${what}: make it with manage.py dumpdata, or name a file with the ending .csv`)
  /** The text from the beginning of an object that has not ended, or after the last one. */
  let text = ''
  let [position, depth, isInString] = [0, 0, false]
  let around = ''

  for await (const piece of pieces) {
    text += piece
    let start = 0
    for (; position < text.length; position += 1) {
      const code = text.charCodeAt(position)
      if (isInString) {
        if (code === backslash) position += 1
        else if (code === quote) isInString = false
      } else if (code === quote && depth > 0) {
        isInString = true
      } else if (code === openBrace) {
        if (depth === 0) {
          around = accepted(around + text.slice(start, position).trim())
          start = position
        }
        depth += 1
      } else if (code === closeBrace && depth > 0) {
        depth -= 1
        if (depth > 0) continue
        yield parsed(text.slice(start, position + 1))
        start = position + 1
      }
    }
    text = text.slice(start)
    position -= start
    if (text.length > longestObject || (depth === 0 && text.trim().length > 1))
      throw refuse('is no list of JSON objects')
  }
  around = accepted(around + text.trim(), depth > 0)
  if (around !== '' && around !== '[]') throw refuse('ends in the middle')

  /** The list around the objects, without what separates them. */
  function accepted(signs: string, isCut = false): string {
    if (isCut) throw refuse('ends in the middle')
    const rest = signs.replaceAll(',', '')
    if (rest === '' || rest === '[' || rest === '[]') return rest
    throw refuse('is no list of JSON objects')
  }

  function parsed(json: string): Record<string, unknown> {
    try {
      return JSON.parse(json)
    } catch {
      throw refuse('is no list of JSON objects')
    }
  }
}
