import { escapeIdentifier } from 'pg'
import { StartError } from '../../kernel/errors.ts'
import { DatabaseClient } from './client.ts'
import { findDjangoUsers, setSchemaOf } from './django-users.ts'
import { describeFailure } from './failures.ts'
import { openDatabase } from './open.ts'

/** What a database says of itself. */
export interface DatabaseInspection {
  readonly version: string
  readonly encoding: string
  /** The time zone that others get; connections of this server use UTC. */
  readonly timeZone: string
  readonly takesWrites: boolean
  /** Milliseconds that its clock is ahead of the one of this machine, as exactly as the answer came fast. */
  readonly aheadMs: number
}

interface Row {
  readonly version: string
  readonly encoding: string
  readonly timeZone: string
  readonly isStandby: boolean
  readonly isReadOnly: boolean
  readonly ms: number
}

/** Throws a StartError when the database cannot be reached, or cannot be used. */
export async function inspectDatabase(url: string): Promise<DatabaseInspection> {
  const { client } = await openDatabase(url, undefined)
  try {
    // Measured by a second query: the first one may wait for a plan.
    await client.query('SELECT 1')
    const before = Date.now()
    const { rows } = await client.query<Row>(
      `SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
        (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') AS "timeZone",
        pg_is_in_recovery() AS "isStandby", current_setting('default_transaction_read_only') = 'on' AS "isReadOnly",
        (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`,
    )
    const [row] = rows
    if (!row) throw new Error('the database did not answer')
    const { version, encoding, timeZone, isStandby, isReadOnly, ms } = row
    const aheadMs = Math.round(ms - (before + Date.now()) / 2)
    return { version, encoding, timeZone, takesWrites: !isStandby && !isReadOnly, aheadMs }
  } finally {
    await client.end()
  }
}

/** Says whose passwords can be written with this address. Throws a StartError where none can. */
export async function checkDjangoPasswords(url: string, table: string | undefined): Promise<string> {
  const client = new DatabaseClient({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(`BEGIN READ ONLY; ${setSchemaOf(url)}`)
    const { name } = await findDjangoUsers(client, table)
    const { rows } = await client.query<{ mayWrite: boolean }>(
      `SELECT has_table_privilege($1, 'SELECT') AND has_column_privilege($1, 'password', 'UPDATE') AS "mayWrite"`,
      [escapeIdentifier(name)],
    )
    if (rows[0]?.mayWrite) return name
    throw new StartError(`the passwords cannot be written: GRANT SELECT, UPDATE (password) ON ${name} to the role`)
  } catch (cause) {
    if (cause instanceof StartError) throw cause
    throw new StartError(`the database cannot be asked: ${describeFailure(cause)}`, { cause })
  } finally {
    await client.end().catch(() => undefined)
  }
}
