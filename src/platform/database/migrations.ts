import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'
import { StartError } from '../../kernel/errors.ts'
import { describeFailure } from './failures.ts'
import { limitLockWaits, retryLockWaits } from './lock-waits.ts'
import { addToHistory, createHistory, missing, readHistory } from './migration-history.ts'
import { openDatabase } from './open.ts'
import type { DatabaseSession } from './session.ts'
import type { StartDelays } from './wait.ts'

const shippedMigrations = fileURLToPath(new URL('../../../prisma/migrations/', import.meta.url))

/** The lock that Prisma's own `migrate deploy` takes, so that the two never run at once. */
const migrationLock = 72_707_369

interface Migration {
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

export interface MigrationRun {
  readonly url: string
  /** The folder of migrations, when it is not the one that ships with the server. */
  readonly folder?: string
  /** Called before waiting, with the connection that holds the lock for migrations. */
  readonly onWait?: ((holder: LockHolder) => void) | undefined
  /** Called after each migration. */
  readonly onApplied?: (name: string) => void
  /** Absent: a database that does not answer at once is an error. */
  readonly delays?: StartDelays | undefined
}

interface LockHolder {
  readonly pid: number
  readonly application: string
}

/**
 * Brings the database up to date and tells what it applied; of several that run at once, one applies each migration while the
 * others wait.
 * Throws a StartError that names the migration when one fails (nothing of it stays) or is not what it was when it was applied.
 */
export async function applyMigrations({ url, folder, onWait, onApplied, delays }: MigrationRun): Promise<string[]> {
  const migrations = await readMigrations(folder ?? shippedMigrations)
  const { client, session } = await openDatabase(url, delays)
  try {
    const applied: string[] = []
    let tell = onWait
    const tellOnce = (holder: LockHolder) => {
      tell?.(holder)
      tell = undefined
    }
    for (;;) {
      const name = await retryLockWaits(() =>
        inLockedTransaction(client, session, tellOnce, () => applyNext(client, session, migrations)),
      )
      if (name === undefined) return applied
      applied.push(name)
      onApplied?.(name)
    }
  } catch (error) {
    throw error instanceof StartError ? error : unmigratable(error)
  } finally {
    await client.end()
  }
}

/** The names of the migrations that the database lacks. Changes nothing. Throws as `applyMigrations` does. */
export async function planMigrations({ url, folder, delays }: MigrationRun): Promise<string[]> {
  const migrations = await readMigrations(folder ?? shippedMigrations)
  const { client, session } = await openDatabase(url, delays)
  try {
    return await inLockedTransaction(
      client,
      session,
      () => undefined,
      async () => missing(migrations, await readHistory(client)).map(({ name }) => name),
    )
  } catch (error) {
    throw error instanceof StartError ? error : unmigratable(error)
  } finally {
    await client.end()
  }
}

/**
 * One transaction per migration, and the lock in each: a lock that outlives its transaction would stay behind on a connection
 * of a pooler, where nothing releases it.
 */
async function inLockedTransaction<Result>(
  client: Client,
  session: DatabaseSession,
  onWait: (holder: LockHolder) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  await client.query(session.beginMigration)
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      `SELECT pg_try_advisory_xact_lock(${migrationLock}) AS locked`,
    )
    if (rows[0]?.locked !== true) {
      await tellHolder(client, onWait)
      await client.query(`SELECT pg_advisory_xact_lock(${migrationLock})`)
    }
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    // Fails when the connection is lost, and then the server rolls back by itself.
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function tellHolder(client: Client, onWait: (holder: LockHolder) => void): Promise<void> {
  const { rows } = await client.query<LockHolder>(
    `SELECT pid, coalesce(application_name, '') AS application FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND classid = 0 AND objid = ${migrationLock} AND granted
        AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  if (rows[0]) onWait(rows[0])
}

function unmigratable(cause: unknown): StartError {
  return new StartError(
    `The database cannot be brought up to date: ${describeFailure(cause)}. Check that the user of DATABASE_URL may create tables`,
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

/** Applies the first migration that the database lacks, in the transaction that holds the lock. */
async function applyNext(
  client: Client,
  { schema }: DatabaseSession,
  migrations: readonly Migration[],
): Promise<string | undefined> {
  const [next] = missing(migrations, await readHistory(client))
  if (!next) return undefined
  // Only when something is missing: a database that takes no writes for now can still be started with.
  await createHistory(client, schema)
  await apply(client, next)
  return next.name
}

async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query(limitLockWaits)
    await client.query(sql)
    await addToHistory(client, { name, checksum })
  } catch (cause) {
    throw new StartError(`The migration ${name} failed and nothing of it was kept: ${describeFailure(cause)}`, {
      cause,
    })
  }
}
