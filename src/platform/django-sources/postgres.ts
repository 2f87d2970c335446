import type { Client } from 'pg'
import { escapeIdentifier, escapeLiteral } from 'pg'
import type { DjangoSource, SourceBatch, SourceRow } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'
import type { Following, Mark } from '../database/changed-rows.ts'
import { selectChanges } from '../database/changed-rows.ts'
import { DatabaseClient } from '../database/client.ts'
import { findDjangoUsers, setSchemaOf } from '../database/django-users.ts'
import { describeFailure } from '../database/failures.ts'

const rowsAtOnce = 5000
/** Of django-allauth. */
const addresses = 'account_emailaddress'
/** Of SimpleJWT. */
const blacklist = 'token_blacklist_blacklistedtoken'

export interface PostgresSource extends DjangoSource {
  /** What the reading that follows has to know. */
  readonly mark: Mark
  /** Whether there is anything new. */
  readonly hasRows: boolean
}

/** A database of Django on PostgreSQL, read in one transaction that sees nothing of what others change meanwhile. */
export async function openPostgresSource(
  url: string,
  table: string | undefined,
  following?: Following,
): Promise<PostgresSource> {
  const client = new DatabaseClient({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'auth-server import',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone TO 'UTC'; ${setSchemaOf(url)}`,
    )
    const users = await findDjangoUsers(client, table)
    const [hasAddresses, hasBlacklist] = [await hasTable(client, addresses), await hasTable(client, blacklist)]
    const { mark, isNew } = await selectChanges(client, users, following)
    const key = `theirs.${escapeIdentifier(users.primaryKey)}`
    const ofNewAddress = `${key} IN (SELECT user_id FROM ${addresses} AS address WHERE ${isNew?.('address')})`
    const usersWhere = isNew ? `(${isNew('theirs')}${hasAddresses ? ` OR ${ofNewAddress}` : ''})` : 'TRUE'
    const changed = `${escapeIdentifier(users.name)} AS theirs WHERE ${usersWhere}`
    const again = following?.again.length ? ` OR ${key}::text IN (${following.again.map(escapeLiteral)})` : ''
    const ofUsers = changed + again
    // A service keeps rows of all tokens that it ever issued: of those that have expired none is read.
    const spentTokens = `token_blacklist_outstandingtoken AS token JOIN ${blacklist} AS spent ON token_id = token.id
      WHERE expires_at > now() AND ${isNew?.('spent') ?? 'TRUE'}`
    const total = await countRows(client, changed)
    const hasRows = total > 0 || (hasBlacklist && (await countRows(client, spentTokens)) > 0)
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
      mark,
      hasRows,
      async *read() {
        try {
          yield* rowsOf(`SELECT * FROM ${ofUsers}`, 'users', users.primaryKey)
          if (hasAddresses && (await countRows(client, `(SELECT FROM ${addresses} LIMIT 1) AS one`)) > 0) {
            // The users who are read may have none, and so none that is verified.
            yield { of: 'addresses', primaryKey: 'id', rows: [] }
            const where = isNew ? `user_id IN (SELECT ${key} FROM ${ofUsers})` : 'TRUE'
            yield* rowsOf(`SELECT * FROM ${addresses} WHERE ${where}`, 'addresses', 'id')
          }
          if (hasBlacklist) {
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

async function countRows(client: Client, from: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`SELECT count(*) AS count FROM ${from}`)
  return Number(rows[0]?.count)
}
