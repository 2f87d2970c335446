import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { escapeIdentifier } from 'pg'
import { StartError } from '../../kernel/errors.ts'

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

/** A migration that is known by its file. */
interface KnownMigration {
  readonly name: string
  /** SHA-256 of the file, in hex. */
  readonly checksum: string
}

interface AppliedMigration extends KnownMigration {
  readonly finished: boolean
}

export async function readHistory(client: Client): Promise<readonly AppliedMigration[]> {
  const { rows } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`,
  )
  if (rows[0]?.exists !== true) return []
  const history = await client.query<AppliedMigration>(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
  )
  return history.rows
}

/** As Prisma does, the schema too; CREATE SCHEMA wants the right to create some even where there is nothing to do. */
export async function createHistory(client: Client, schema: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema])
  if (rowCount === 0) await client.query(`CREATE SCHEMA ${escapeIdentifier(schema)}`)
  await client.query(historyTable)
}

/** Names that we do not know are no error: in a rolling update a newer version was here first. */
export function missing<Migration extends KnownMigration>(
  migrations: readonly Migration[],
  history: readonly AppliedMigration[],
): Migration[] {
  const unfinished = history.find(({ finished }) => !finished)
  if (unfinished) {
    throw new StartError(
      `The migration ${unfinished.name} was begun by another tool and not finished. Repair it with "prisma migrate resolve"`,
    )
  }
  const byName = new Map(history.map((row) => [row.name, row]))
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

/** Records that the migration was applied, in the transaction that applies it. */
export async function addToHistory(client: Client, { name, checksum }: KnownMigration): Promise<void> {
  await client.query(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), checksum, name],
  )
}
