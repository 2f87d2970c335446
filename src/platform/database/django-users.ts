import type { ClientBase } from 'pg'
import { escapeIdentifier } from 'pg'
import { StartError } from '../../kernel/errors.ts'
import { prismaParameters } from './session.ts'

/** The table of users in the database of a Django service. */
export interface DjangoUserTable {
  readonly name: string
  readonly primaryKey: string
  /** Tells it from one of the same name in another schema or database. */
  readonly oid: number
  /** Whether it is no table, but shows the rows of others. */
  readonly isView: boolean
}

/** What makes a transaction find tables in the schema that the address names, if it names one. */
export function setSchemaOf(url: string): string {
  const { schema } = prismaParameters(url)
  return schema === undefined ? '' : `SET LOCAL search_path = ${escapeIdentifier(schema)};`
}

/** The table that is named; else the one that has the columns that Django gives to every table of users. Throws a StartError. */
export async function findDjangoUsers(client: ClientBase, named: string | undefined): Promise<DjangoUserTable> {
  const { rows } = await client.query<DjangoUserTable & { primaryKey: string | null; isOfUsers: boolean }>(`
    SELECT oid, relname AS name, relkind IN ('v', 'm') AS "isView", (
        SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indrelid = pg_class.oid AND indisprimary) AS "primaryKey",
      (SELECT count(*) FROM pg_attribute WHERE attrelid = pg_class.oid AND attname IN ('password', 'last_login')) = 2 AS "isOfUsers"
    FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(oid) AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    ORDER BY relname`)
  const candidates = rows.filter(({ name, isOfUsers }) => (named === undefined ? isOfUsers : name === named))
  const [only] = candidates
  if (only && candidates.length === 1) return { ...only, primaryKey: only.primaryKey ?? 'id' }
  if (named !== undefined)
    throw new StartError(
      `The database of Django has no table ${named}: name another one with --table or DJANGO_USER_TABLE`,
    )
  if (!only) {
    throw new StartError(
      'The database of Django has no table with the columns password and last_login: name the one of users with --table or DJANGO_USER_TABLE',
    )
  }
  const names = candidates.map(({ name }) => name).join(', ')
  throw new StartError(`Several tables may be that of users (${names}): name one with --table or DJANGO_USER_TABLE`)
}
