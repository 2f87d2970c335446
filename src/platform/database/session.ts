import type { ClientBase, QueryConfig } from 'pg'
import { escapeIdentifier, escapeLiteral } from 'pg'
import { StartError } from '../../kernel/errors.ts'

type Settings = Readonly<Record<string, string>>

/**
 * Settings that PgBouncer keeps for each of its clients, so that they last from one transaction to the next. Prisma writes
 * instants without a zone and takes those that it reads for UTC.
 */
const keptByPoolers: Settings = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  standard_conforming_strings: 'on',
}

/** Statements here take milliseconds: what lasts longer than this waits for a lock, a disk or a client that is gone. */
const servingLimits: Settings = {
  statement_timeout: '4s',
  lock_timeout: '3s',
  idle_in_transaction_session_timeout: '20s',
}

/** A migration may rewrite a large table, and may have to wait for another instance that does. */
const migrationLimits: Settings = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '60s',
}

/** The state of a new connection. */
export interface DatabaseSession {
  /** Where the tables are. */
  readonly schema: string
  /**
   * Whether a pooler may carry out each transaction on another connection to PostgreSQL: what was set or prepared on the
   * one before is missing there.
   */
  readonly pooled: boolean
  /** Begins a transaction in which everything is as the server relies on. */
  readonly begin: string
  /** Begins a transaction without limits of time. */
  readonly beginMigration: string
  /** Whether a statement outside a transaction would meet another schema or isolation level than the server relies on. */
  readonly needsTransaction: boolean
}

/**
 * The settings that `DATABASE_URL` carries in Prisma's words: the schema of the tables, and whether there is a pooler.
 */
export interface PrismaParameters {
  readonly schema: string | undefined
  readonly pooled: boolean
}

/** Reads `schema` and `pgbouncer` from the URL, as Prisma does. */
export function prismaParameters(url: string): PrismaParameters {
  const { searchParams } = new URL(url)
  return { schema: searchParams.get('schema') || undefined, pooled: searchParams.get('pgbouncer') === 'true' }
}

/** The oldest that the tests have been run on. */
const oldestMajor = 14

interface ServerDetails {
  readonly version: number
  readonly encoding: string
  readonly pid: number
  readonly schema: string | null
  readonly isolation: string
  readonly hasTransactionTimeout: boolean
}

/** Sets what the server relies on, as PostgreSQL, database and role may have other defaults, and finds out the rest. */
export async function openSession(client: ClientBase, parameters: PrismaParameters): Promise<DatabaseSession> {
  const server = await askServer(client)
  refuseUnfit(server)
  const schema = parameters.schema ?? server.schema
  if (schema === null) {
    throw new StartError(
      'The search_path of the database connection names no schema that exists. Create one, or name one as ?schema= in DATABASE_URL',
    )
  }
  const settings: Settings = {
    // Nothing but this schema: where others may create functions and tables, theirs must not come first.
    search_path: escapeIdentifier(schema),
    // PostgreSQL before 17 has no such setting, and refuses it.
    ...(server.hasTransactionTimeout && { transaction_timeout: '0' }),
  }
  const serving = { ...settings, ...servingLimits }
  const pooled = parameters.pooled || server.pid !== announcedPid(client)
  if (!pooled) {
    const lasting = { ...serving, default_transaction_isolation: 'read committed' }
    await client.query(`SELECT ${settingsAsSql(lasting, 'session')}`)
  }
  return {
    schema,
    pooled,
    begin: pooled ? beginWith(serving) : 'BEGIN',
    beginMigration: beginWith({ ...settings, ...migrationLimits }),
    needsTransaction: pooled && (schema !== server.schema || server.isolation !== 'read committed'),
  }
}

/** Refuses an unusable encoding at the start, and not at the first name that it cannot store. */
function refuseUnfit({ version, encoding }: ServerDetails): void {
  const major = Math.floor(version / 10_000)
  if (major < oldestMajor) {
    throw new StartError(`The database is a PostgreSQL ${major}. This server needs PostgreSQL ${oldestMajor} or newer`)
  }
  if (encoding !== 'UTF8') {
    throw new StartError(
      `The database has the encoding ${encoding}, and names of all scripts need UTF8. ` +
        "Make one with: CREATE DATABASE auth ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    )
  }
}

/** As long as a connection may take. */
const answerLimitMs = 10_000

async function askServer(client: ClientBase): Promise<ServerDetails> {
  const text = `SELECT ${settingsAsSql(keptByPoolers, 'session')},
    current_setting('server_version_num')::integer AS version,
    current_setting('server_encoding') AS encoding,
    pg_backend_pid() AS pid,
    current_schema() AS schema,
    current_setting('default_transaction_isolation') AS isolation,
    current_setting('transaction_timeout', true) IS NOT NULL AS "hasTransactionTimeout"`
  // A pooler takes connections also while the PostgreSQL behind it does not answer. The types of pg lack this member.
  const { rows } = await client.query<ServerDetails>({ text, query_timeout: answerLimitMs } as QueryConfig)
  return rows[0] as ServerDetails
}

/** Poolers make up the number that is announced at the start of a connection. */
function announcedPid(client: ClientBase): unknown {
  return (client as { readonly processID?: unknown }).processID
}

/** In one round trip. It does not say READ WRITE: a database that is read-only by default is so for a reason. */
function beginWith(settings: Settings): string {
  return `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT ${settingsAsSql(settings, 'transaction')}`
}

function settingsAsSql(settings: Settings, lasting: 'session' | 'transaction'): string {
  const isLocal = lasting === 'transaction'
  return Object.entries(settings)
    .map(([name, value]) => `set_config(${escapeLiteral(name)}, ${escapeLiteral(value)}, ${isLocal})`)
    .join(', ')
}
