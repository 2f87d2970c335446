import type { Client } from 'pg'

/** The changes of each table in words; no table where nothing changed. */
export type RowChanges = Readonly<Record<string, string>>

/** Every guess of a password is counted before it is compared, whatever becomes of it. */
const uninteresting = ['password_attempts', '_prisma_migrations']

/** Watches the tables of a database from now on. What it returns tells what has changed since. */
export async function watchRows(client: Client): Promise<() => Promise<RowChanges>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> ALL ($1)`,
    [uninteresting],
  )
  const { rows } = await client.query<{ id: string }>('SELECT txid_current() AS id')
  const since = rows[0]?.id
  const counts = tables.map(
    ({ name }) =>
      `SELECT '${name}' AS name, count(*)::integer AS total,
              (count(*) FILTER (WHERE xmin::text::bigint > ${since}))::integer AS changed FROM "${name}"`,
  )
  const look = async () =>
    (
      await client.query<{ name: string; total: number; changed: number }>(
        `${counts.join(' UNION ALL ')} ORDER BY name`,
      )
    ).rows
  const before = await look()
  return async () => {
    const changes = (await look()).map(({ name, total, changed }, index): [string, string] => {
      const grown = total - (before[index]?.total ?? 0)
      return [name, changed === 0 && grown === 0 ? '' : `${changed} rows new or changed, ${grown} rows more`]
    })
    return Object.fromEntries(changes.filter(([, change]) => change !== ''))
  }
}
