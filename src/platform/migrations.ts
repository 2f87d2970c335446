import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { StartError } from '../kernel/errors.ts'

const shippedMigrations = fileURLToPath(new URL('../../prisma/migrations/', import.meta.url))

/** The lock that Prisma's own `migrate deploy` takes, so that the two never run at once. */
const migrationLock = 72_707_369

/** The table as Prisma creates it, so that `prisma migrate status` and `deploy` agree with us. */
const historyTable = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                      VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum                VARCHAR(64) NOT NULL,
  finished_at             TIMESTAMPTZ,
  migration_name          VARCHAR(255) NOT NULL,
  logs                    TEXT,
  rolled_back_at          TIMESTAMPTZ,
  started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`

interface Migration {
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

export interface MigrationRun {
  readonly url: string
  /** The folder of migrations, when it is not the one that ships with the server. */
  readonly folder?: string
}

/**
 * Brings the database up to date and tells what it applied; of several that run at once, one applies and the others wait.
 * Throws a StartError that names the migration when one fails (nothing of it stays) or is not what it was when it was applied.
 */
export async function applyMigrations({ url, folder }: MigrationRun): Promise<string[]> {
  const migrations = await readMigrations(folder ?? shippedMigrations)
  const client = createClient(url)
  // A lost connection fails the query in progress as well; unheard, the event would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (cause) {
    throw new StartError(
      `The database cannot be reached: ${reasonOf(cause)}. Check DATABASE_URL and that PostgreSQL runs`,
      { cause },
    )
  }
  try {
    await client.query(`SELECT pg_advisory_lock(${migrationLock})`)
    const pending = await compareWithHistory(client, migrations)
    for (const migration of pending) await apply(client, migration)
    return pending.map(({ name }) => name)
  } catch (error) {
    throw error instanceof StartError ? error : unmigratable(error)
  } finally {
    // The lock ends with the connection.
    await client.end()
  }
}

/** Reads the certificates that the address names, too. */
function createClient(url: string): Client {
  try {
    return new Client({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'migrations' })
  } catch (cause) {
    throw new StartError(`DATABASE_URL cannot be used: ${reasonOf(cause)}. Check what follows its question mark`, {
      cause,
    })
  }
}

function unmigratable(cause: unknown): StartError {
  return new StartError(
    `The database cannot be brought up to date: ${reasonOf(cause)}. Check that the user of DATABASE_URL may create tables`,
    { cause },
  )
}

let shippedNames: Promise<string[]> | undefined

/** The shipped migrations that are not among those that the database has. */
export async function pendingMigrations(applied: readonly string[]): Promise<string[]> {
  shippedNames ??= migrationNames(shippedMigrations)
  return (await shippedNames).filter((name) => !applied.includes(name))
}

async function migrationNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = await migrationNames(folder)
  return Promise.all(
    names.map(async (name) => {
      const file = await readFile(`${folder}/${name}/migration.sql`)
      return { name, sql: file.toString('utf8'), checksum: createHash('sha256').update(file).digest('hex') }
    }),
  )
}

async function compareWithHistory(client: Client, migrations: readonly Migration[]): Promise<Migration[]> {
  await client.query(historyTable)
  const history = await client.query<{ name: string; checksum: string; finished: boolean }>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  )
  const byName = new Map(history.rows.map((row) => [row.name, row]))
  // Names that we do not know are no error: in a rolling update a newer version was here first.
  const unfinished = history.rows.find(({ finished }) => !finished)
  if (unfinished) {
    throw new StartError(
      `The migration ${unfinished.name} was begun by another tool and not finished. Repair it with "prisma migrate resolve"`,
    )
  }
  return migrations.filter(({ name, checksum }) => {
    const row = byName.get(name)
    if (row && row.checksum !== checksum) {
      throw new StartError(
        `The migration ${name} was changed after it was applied. Restore the file, and put the change into a new migration`,
      )
    }
    return !row
  })
}

async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('BEGIN')
    await client.query(sql)
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    )
    await client.query('COMMIT')
  } catch (cause) {
    // Fails when the connection is lost, and then the server rolls back by itself.
    await client.query('ROLLBACK').catch(() => undefined)
    throw new StartError(`The migration ${name} failed and nothing of it was kept: ${reasonOf(cause)}`, { cause })
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
