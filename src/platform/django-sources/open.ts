import type { DjangoSource } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'

interface SourceOptions {
  /** The table of users, where it is not to be found by its columns. */
  readonly table: string | undefined
}

/** Opens what `--from` names. Throws a StartError when it cannot be read. */
export async function openDjangoSource(from: string, { table }: SourceOptions): Promise<DjangoSource> {
  if (/^postgres(ql)?:/.test(from)) return (await import('./postgres.ts')).openPostgresSource(from, table)
  if (/\.jsonl?$/i.test(from)) return (await import('./dump.ts')).openDumpSource(from, table)
  if (/\.csv$/i.test(from)) return (await import('./csv.ts')).openCsvSource(from)
  throw new StartError(
    '--from needs the address of a database (postgresql://user@host/database) or a file: .json of manage.py dumpdata, which is the way from MySQL and SQLite, or .csv',
  )
}
