import type { Client } from 'pg'
import { escapeIdentifier } from 'pg'
import type { DjangoSource, SourceBatch, SourceRow } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'
import { DatabaseClient } from '../database/client.ts'
import { describeFailure } from '../database/failures.ts'

const rowsAtOnce = 5000
/** Of django-allauth. */
const addresses = 'account_emailaddress'
/** Of SimpleJWT. */
const blacklist = 'token_blacklist_blacklistedtoken'
/** Those that would be accepted otherwise: a service keeps rows of all tokens that it ever issued. */
const spentTokens = `token_blacklist_outstandingtoken AS token JOIN ${blacklist} ON token_id = token.id WHERE expires_at > now()`

const all = (table: string) => `SELECT * FROM ${escapeIdentifier(table)}`

/** A database of Django on PostgreSQL, read in one transaction that sees nothing of what others change meanwhile. */
export async function openPostgresSource(url: string, table: string | undefined): Promise<DjangoSource> {
  const client = new DatabaseClient({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'auth-server import',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone TO 'UTC'`)
    const users = await findUsers(client, table)
    const total = await countRows(client, users.name)
    let read = 0

    async function* rowsOf(selection: string, of: SourceBatch['of'], primaryKey: string) {
      await client.query(`DECLARE reading NO SCROLL CURSOR FOR ${selection}`)
      for (;;) {
        const { rows } = await client.query<SourceRow>(`FETCH ${rowsAtOnce} FROM reading`)
        if (rows.length === 0) break
        if (of === 'users') read += rows.length
        yield { of, primaryKey, rows }
      }
      await client.query('CLOSE reading')
    }

    return {
      users: `The table ${users.name}`,
      portion: () => Math.min(1, read / Math.max(1, total)),
      async *read() {
        try {
          yield* rowsOf(all(users.name), 'users', users.primaryKey)
          if (await hasTable(client, addresses)) yield* rowsOf(all(addresses), 'addresses', 'id')
          if (await hasTable(client, blacklist)) {
            yield* rowsOf(`SELECT token.id, jti, expires_at FROM ${spentTokens}`, 'tokens', 'id')
            yield* rowsOf(`SELECT token_id FROM ${spentTokens}`, 'blacklist', 'id')
          }
        } catch (cause) {
          throw unreadable(cause)
        }
      },
      close: () => client.end(),
    }
  } catch (cause) {
    await client.end().catch(() => undefined)
    throw unreadable(cause)
  }
}

function unreadable(cause: unknown): StartError {
  if (cause instanceof StartError) return cause
  return new StartError(`The database of Django cannot be read: ${describeFailure(cause)}. Check --from`, { cause })
}

async function hasTable(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [name])
  return rows[0]?.exists === true
}

interface Users {
  readonly name: string
  readonly primaryKey: string
}

/** The table that is named; else the one that has the columns that Django gives to every table of users. */
async function findUsers(client: Client, named: string | undefined): Promise<Users> {
  const { rows } = await client.query<Users & { isOfUsers: boolean }>(`
    SELECT relname AS name, (
        SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indrelid = pg_class.oid AND indisprimary) AS "primaryKey",
      (SELECT count(*) FROM pg_attribute WHERE attrelid = pg_class.oid AND attname IN ('password', 'last_login')) = 2 AS "isOfUsers"
    FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm') AND pg_table_is_visible(oid) AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    ORDER BY relname`)
  const candidates = rows.filter(({ name, isOfUsers }) => (named === undefined ? isOfUsers : name === named))
  const [only] = candidates
  if (only && candidates.length === 1) return { name: only.name, primaryKey: only.primaryKey ?? 'id' }
  if (named !== undefined)
    throw new StartError(`The database of Django has no table ${named}: name another one with --table`)
  if (!only) {
    throw new StartError(
      'The database of Django has no table with the columns password and last_login: name the one of users with --table',
    )
  }
  const names = candidates.map(({ name }) => name).join(', ')
  throw new StartError(`Several tables may be that of users (${names}): name one with --table`)
}

async function countRows(client: Client, table: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) AS count FROM ${escapeIdentifier(table)}`)
  return Number(rows[0]?.count)
}
