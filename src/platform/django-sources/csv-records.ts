import { StartError } from '../../kernel/errors.ts'

/** Far more than a user takes. */
const longestRecord = 1 << 20

/** A field with what ends it: in quotes, in which a quote is doubled, or without any. */
const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r(?!\n))/y

/** The records of comma-separated values (RFC 4180), without empty lines. Throws a StartError at a text that is none. */
export async function* csvRecords(pieces: AsyncIterable<string>, name: string): AsyncIterable<string[]> {
  let text = ''
  let line = 1
  const refuse = (what: string) =>
    new StartError(`${name} is no CSV: ${what} in the record that begins at line ${line}`)

  function* recordsOf(isEnd: boolean): Iterable<string[]> {
    let start = 0
    for (;;) {
      field.lastIndex = start
      const record: string[] = []
      let match: RegExpExecArray | null
      do {
        match = field.exec(text)
        if (match) record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
      } while (match?.[3] === ',')
      // A carriage return at the end of the piece may be half of a line break.
      if (!match || (!isEnd && field.lastIndex === text.length && match[3] === '\r')) break
      const end = field.lastIndex
      if (record.length > 1 || record[0] !== '') yield record
      line += text.slice(start, end).split('\n').length - 1
      start = end
    }
    text = text.slice(start)
    if (text.length > longestRecord) throw refuse('a quote is missing, or a field is too long,')
  }

  for await (const piece of pieces) {
    text += piece
    yield* recordsOf(false)
  }
  if (text !== '') text += '\n'
  yield* recordsOf(true)
  if (text !== '') throw refuse('a quote is missing, or stands within a field without quotes,')
}
