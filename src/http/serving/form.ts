const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Stands for a file where a text is expected: no field accepts it. */
const file = Object.freeze({})

type Fields = Record<string, unknown>

/** The fields of an application/x-www-form-urlencoded body; of a name that is repeated, the last. Throws when it is not UTF-8. */
export function parseUrlEncoded(bytes: Buffer): Fields {
  const body = utf8.decode(bytes)
  // The parser below replaces what is not UTF-8: two different passwords could become one.
  utf8.decode(percentDecoded(bytes))
  // With a question mark of its own: the parser drops one at the beginning.
  return Object.fromEntries(new URLSearchParams(`?${body}`))
}

function percentDecoded(bytes: Buffer): Buffer {
  const decoded = bytes
    .toString('latin1')
    .replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(decoded, 'latin1')
}

/**
 * The fields of a multipart/form-data body (RFC 7578), in the same way. A file is no text, and one that was not chosen an
 * empty one. Throws when it is malformed. Libraries for this read streams, which a body of 16 kB needs not be, and decode
 * malformed text without complaint.
 */
export function parseMultipart(bytes: Buffer, contentType: string): Fields {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)?.slice(1).join('')
  if (!boundary) throw new SyntaxError('there is no boundary')
  // A character is a byte here.
  const [, ...sections] = `\r\n${bytes.toString('latin1')}`.split(`\r\n--${boundary}`)
  const end = sections.findIndex((section) => section.startsWith('--'))
  if (end === -1) throw new SyntaxError('there is no end')
  return Object.fromEntries(sections.slice(0, end).flatMap(parsePart))
}

/** The name and value of a part; nothing for one that is no field. */
function parsePart(section: string): [name: string, value: unknown][] {
  const [, header, content] = /^[ \t]*\r\n((?:[^\r\n]+\r\n)*)\r\n(.*)$/s.exec(section) ?? []
  if (header === undefined || content === undefined) throw new SyntaxError('a part has no end of its header')
  const disposition = /^content-disposition:[ \t]*form-data[ \t]*;(.*)\r\n/im.exec(header)?.[1] ?? ''
  const [name, filename] = [parameterOf(disposition, 'name'), parameterOf(disposition, 'filename\\*?')]
  if (name === undefined) return []
  // A browser sends a file that was not chosen with an empty name.
  return [[textOf(name), filename ? file : textOf(content)]]
}

function parameterOf(disposition: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|;)[ \\t]*${name}=(?:"([^"]*)"|([^\\s;"]*))`, 'i').exec(disposition)
  return found?.[1] ?? found?.[2]
}

function textOf(characters: string): string {
  return utf8.decode(Buffer.from(characters, 'latin1'))
}
