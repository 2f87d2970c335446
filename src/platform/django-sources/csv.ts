import type { DjangoSource, SourceBatch, SourceRow } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'
import { csvRecords } from './csv-records.ts'
import { openFile } from './file.ts'

const rowsAtOnce = 5000

/** A file of comma-separated values whose first line names the columns. */
export async function openCsvSource(path: string): Promise<DjangoSource> {
  const file = await openFile(path)
  const name = `The file ${path}`

  async function* read(): AsyncIterable<SourceBatch> {
    let columns: readonly string[] | undefined
    let count = 0
    let rows: SourceRow[] = []
    for await (const record of csvRecords(file.read(), name)) {
      if (!columns) {
        columns = record.map((column) => column.trim())
        continue
      }
      count += 1
      if (record.length !== columns.length) {
        throw new StartError(
          `${name} has ${record.length} fields in record ${count}, and ${columns.length} columns in its first line`,
        )
      }
      rows.push(Object.fromEntries(columns.map((column, index) => [column, record[index]])))
      if (rows.length < rowsAtOnce) continue
      yield { of: 'users', primaryKey: 'id', rows }
      rows = []
    }
    if (count === 0)
      throw new StartError(`${name} has no users: its first line names the columns, and each other line is a user`)
    yield { of: 'users', primaryKey: 'id', rows }
  }

  return { users: name, read, portion: file.portion, close: file.close }
}
