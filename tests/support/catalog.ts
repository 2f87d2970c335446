import { Client } from 'pg'

/** Runs statements in a database and ends the connection. */
export async function runSql<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url })
  // A connection that breaks fails the query as well; unheard, the event would end the process.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<Row>(sql)
    return rows
  } finally {
    await client.end()
  }
}

/** Partitions change with the months, and PostgreSQL holds each against its table. */
const ours = `n.nspname = 'public' AND c.relname <> '_prisma_migrations' AND NOT c.relispartition`

/**
 * The definitions of tables, columns, indexes and constraints, as PostgreSQL describes them, one per line. A partitioned table is
 * described like any other: Prisma's schema has no word for partitions.
 */
export async function describeTables(url: string): Promise<string[]> {
  const rows = await runSql<{ definition: string }>(
    url,
    `SELECT format('column %s.%s %s %s default %s identity %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END, pg_get_expr(d.adbin, d.adrelid), a.attidentity) AS definition
       FROM pg_attribute a
       JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm')
       JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attnum > 0 AND NOT a.attisdropped AND ${ours}
     UNION ALL
     SELECT format('index %s', replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '))
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${ours}
     UNION ALL
     SELECT format('constraint %s on %s: %s', k.conname, c.relname, pg_get_constraintdef(k.oid))
       FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${ours}
     UNION ALL
     SELECT format('%s %s', replace(c.relkind::text, 'p', 'r'), c.relname)
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND ${ours}
     UNION ALL
     SELECT format('type %s: %s', t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder))
       FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname
     ORDER BY 1`,
  )
  return rows.map(({ definition }) => definition)
}
