/** A character that moves the cursor, colours the line, hides itself or turns the text around it. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const escaped = (character: string) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`

/** The text on one line, as a terminal can show it: users choose names, and clients their user agents. */
export function printable(text: string): string {
  return text.replace(unprintable, escaped)
}

/** The value as one line of JSON, in which a terminal finds nothing to obey. */
export function asJson(value: unknown): string {
  // JSON itself escapes C0 only. Surrogate pairs beyond the first plane are never format characters of one unit.
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    escaped,
  )
}

type Cell = string | number | boolean | null | undefined

/** Columns under headings, or the sentence when there are no rows. */
export function asTable(headings: readonly string[], rows: readonly (readonly Cell[])[], none: string): string {
  if (rows.length === 0) return none
  const lines = [headings, ...rows.map((cells) => cells.map(asCell))]
  const widths = headings.map((_heading, column) => Math.max(...lines.map((cells) => lengthOf(cells[column]))))
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => pad(cell, widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** One `name  value` per line. */
export function asList(entries: Readonly<Record<string, Cell>>): string {
  const width = Math.max(...Object.keys(entries).map(lengthOf))
  return Object.entries(entries)
    .map(([name, value]) => `${pad(name, width)}  ${asCell(value)}`.trimEnd())
    .join('\n')
}

function asCell(value: Cell): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return printable(String(value ?? '-')) || '-'
}

function lengthOf(text = ''): number {
  return [...text].length
}

function pad(text: string, width = 0): string {
  return text + ' '.repeat(width - lengthOf(text))
}
