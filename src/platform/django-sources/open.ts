import type { DjangoSource } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'
import type { Following } from '../database/changed-rows.ts'
import type { PostgresSource } from './postgres.ts'

interface SourceOptions {
  /** The table of users, where it is not to be found by its columns. */
  readonly table: string | undefined
}

const isDatabase = (from: string) => /^postgres(ql)?:/.test(from)

/** Opens what `--from` names. Throws a StartError when it cannot be read. */
export async function openDjangoSource(from: string, { table }: SourceOptions): Promise<DjangoSource> {
  if (isDatabase(from)) return (await import('./postgres.ts')).openPostgresSource(from, table)
  if (/\.jsonl?$/i.test(from)) return (await import('./dump.ts')).openDumpSource(from, table)
  if (/\.csv$/i.test(from)) return (await import('./csv.ts')).openCsvSource(from)
  throw new StartError(
    '--from needs the address of a database (postgresql://user@host/database) or a file: .json of manage.py dumpdata, which is the way from MySQL and SQLite, or .csv',
  )
}

/** Opens a database for one of several readings, which begin where the one before has ended. */
export async function openFollowedSource(
  from: string,
  { table, ...following }: SourceOptions & Following,
): Promise<PostgresSource> {
  if (isDatabase(from)) return (await import('./postgres.ts')).openPostgresSource(from, table, following)
  throw new StartError('Only a PostgreSQL database can be followed: import a file anew each time, without --follow')
}
