import { csvRecords } from '../../../src/platform/django-sources/csv-records.ts'
import { jsonObjects } from '../../../src/platform/django-sources/json-objects.ts'

/** The text in pieces of that length. */
async function* inPieces(text: string, length: number): AsyncIterable<string> {
  for (let start = 0; start < text.length; start += length) yield text.slice(start, start + length)
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

const lengths = [1, 2, 3, 7, 1000]

describe('a dump', () => {
  const objects = [{ a: '}{"\\', b: [{ c: {} }, '[', ']'] }, {}, { 'ä"': '\u2028' }]

  it.each([
    ['a list on one line', JSON.stringify(objects)],
    ['an indented list', JSON.stringify(objects, undefined, 2)],
    ['a line for each object', objects.map((object) => JSON.stringify(object)).join('\n')],
  ])('is read object by object, as %s', async (_, text) => {
    for (const length of lengths) expect(await all(jsonObjects(inPieces(text, length), 'It'))).toEqual(objects)
  })

  it.each([
    ['SQLite format 3\u0000', 'is no list of JSON objects'],
    ['[{"a": 1}, "b", {"c": 2}]', 'is no list of JSON objects'],
    ['[{"a": 1 "b": 2}]', 'is no list of JSON objects'],
    ['[{"a": 1}, {"b": ', 'ends in the middle'],
    ['[{"a": 1},', 'ends in the middle'],
  ])('is refused in a sentence when it is %j', async (text, sentence) => {
    for (const length of lengths) {
      await expect(all(jsonObjects(inPieces(text, length), 'It'))).rejects.toThrow(`It ${sentence}`)
    }
  })
})

describe('comma-separated values', () => {
  it.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['a\r\r\nb', [['a'], ['b']]],
    [
      '"a ""quoted"", b","line\r\nbreak"\n,\n\n"",c\n',
      [
        ['a "quoted", b', 'line\r\nbreak'],
        ['', ''],
        ['', 'c'],
      ],
    ],
  ])('are read as %j says', async (text, records) => {
    for (const length of lengths) expect(await all(csvRecords(inPieces(text, length), 'It'))).toEqual(records)
  })

  it.each(['a,b\n"1,2\n', 'a,b\n1,"2" x\n', 'a,b\n1,2"3\n'])(
    'are refused where a quote is out of place: %j',
    async (text) => {
      for (const length of lengths) {
        await expect(all(csvRecords(inPieces(text, length), 'It'))).rejects.toThrow(
          'in the record that begins at line 2',
        )
      }
    },
  )
})
