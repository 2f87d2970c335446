import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { applyMigrations, pendingMigrations } from '../../../src/platform/database/migrations.ts'
import { describeTables, runSql } from '../../support/catalog.ts'
import { emptyDatabase, freshDatabase } from '../../support/database.ts'
import { schemaAsSql } from '../../support/schema-diff.ts'

const shipped = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  await cp(shipped, folder, { recursive: true })
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function givenMigration(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'migration.sql'), sql)
}

async function historyOf(url: string): Promise<{ migration_name: string; steps: number; finished: boolean }[]> {
  return runSql(
    url,
    `SELECT migration_name, applied_steps_count AS steps, finished_at IS NOT NULL AS finished
       FROM _prisma_migrations ORDER BY started_at`,
  )
}

/** Ids of users are bigint, and Int in Prisma's schema, as numbers are what they are read as. */
const widerIds = ['users.id', ...['sessions', 'passwords', 'events', 'django_users'].map((table) => `${table}.user_id`)]
  .map((name) => name.split('.'))
  .map(([table, column]) => `ALTER TABLE ${table} ALTER ${column} TYPE bigint`)
  .join(';')

it('makes exactly the tables that the Prisma schema describes', async () => {
  const [migrated, described] = await Promise.all([freshDatabase(), emptyDatabase()])
  await runSql(described, `${await schemaAsSql()};${widerIds}`)
  const tables = await describeTables(migrated)
  expect(tables.length).toBeGreaterThan(50)
  expect(tables).toEqual(await describeTables(described))
})

it('applies what is missing, in order, and nothing twice', async () => {
  const url = await emptyDatabase()
  const first = await applyMigrations({ url, folder })
  await givenMigration('20990102000000_later', 'ALTER TABLE one ADD COLUMN two int')
  await givenMigration('20990101000000_sooner', 'CREATE TABLE one ()')
  const second = await applyMigrations({ url, folder })
  expect(second).toEqual(['20990101000000_sooner', '20990102000000_later'])
  expect(await applyMigrations({ url, folder })).toEqual([])
  expect((await historyOf(url)).map((row) => row.migration_name)).toEqual([...first, ...second])
})

it('applies each migration once when many start at the same time', async () => {
  const url = await emptyDatabase()
  await givenMigration('20990101000000_slow', 'CREATE TABLE slow (); SELECT pg_sleep(0.3);')
  const runs = await Promise.all(Array.from({ length: 5 }, () => applyMigrations({ url, folder })))
  const history = await historyOf(url)
  expect(runs.flat().toSorted()).toEqual(history.map((row) => row.migration_name).toSorted())
  expect(new Set(runs.flat()).size).toBe(history.length)
  expect(history.every(({ steps, finished }) => steps === 1 && finished)).toBe(true)
})

it('waits for the holder of the lock that Prisma takes', async () => {
  const url = await emptyDatabase()
  const holder = new Client({ connectionString: url })
  await holder.connect()
  await holder.query('SELECT pg_advisory_lock(72707369)')
  const run = applyMigrations({ url, folder })
  const waiting = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  while ((await holder.query(waiting)).rowCount === 0);
  expect(await describeTables(url)).toEqual([])
  await holder.end()
  expect(await run).not.toEqual([])
})

it('refuses a migration that was changed after it was applied', async () => {
  const url = await emptyDatabase()
  await givenMigration('20990101000000_note', 'CREATE TABLE note ()')
  await applyMigrations({ url, folder })
  await givenMigration('20990101000000_note', 'CREATE TABLE note (text text)')
  await givenMigration('20990102000000_more', 'CREATE TABLE more ()')
  const before = await describeTables(url)
  await expect(applyMigrations({ url, folder })).rejects.toThrow(
    /20990101000000_note was changed after it was applied\. Restore/,
  )
  expect(await describeTables(url)).toEqual(before)
})

it('keeps nothing of a migration that fails, names it, and goes on once it is mended', async () => {
  const url = await emptyDatabase()
  await givenMigration('20990101000000_good', 'CREATE TABLE good ()')
  await givenMigration('20990102000000_bad', 'CREATE TABLE half (); CREATE TABLE broken (nonsense nonsense);')
  await expect(applyMigrations({ url, folder })).rejects.toThrow(
    /20990102000000_bad failed and nothing of it was kept: type "nonsense" does not exist/,
  )
  const tables = await describeTables(url)
  expect(tables).toContain('r good')
  expect(tables).not.toContain('r half')
  expect((await historyOf(url)).at(-1)?.migration_name).toBe('20990101000000_good')

  await givenMigration('20990102000000_bad', 'CREATE TABLE half ()')
  expect(await applyMigrations({ url, folder })).toEqual(['20990102000000_bad'])
})

it('leaves a migration alone that another tool began and did not finish', async () => {
  const url = await freshDatabase()
  await runSql(url, `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', '', '2098_half')`)
  await expect(applyMigrations({ url, folder })).rejects.toThrow(/2098_half was begun by another tool/)
})

it('starts on a database that a newer version has migrated further', async () => {
  const url = await freshDatabase()
  await runSql(
    url,
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', '', '2098_newer', now())`,
  )
  expect(await applyMigrations({ url, folder })).toEqual([])
})

it('says in one sentence that the database cannot be reached', async () => {
  const url = 'postgresql://auth:secret@127.0.0.1:1/auth'
  await expect(applyMigrations({ url })).rejects.toThrow(/^The database cannot be reached: .*Check DATABASE_URL/)
  await expect(applyMigrations({ url })).rejects.not.toThrow(/secret/)
})

// The file is read when the client is made, where the failure was not caught: the start ended with a stack trace.
it.each([
  [
    'a certificate that is not there',
    '&sslrootcert=/nowhere/root.crt',
    /^DATABASE_URL cannot be used: the file of sslrootcert cannot be read \(ENOENT\)/,
  ],
  [
    'a database that it may not change',
    '&options=-c%20default_transaction_read_only%3Don',
    /^The database cannot be brought up to date: .*read-only.*DATABASE_URL/,
  ],
])('says in one message what is wrong with %s', async (_what, addition, message) => {
  const url = await emptyDatabase()
  const refused = applyMigrations({ url: `${url}?application_name=tests${addition}` })
  await expect(refused).rejects.toMatchObject({ name: 'StartError', message: expect.stringMatching(message) })
  await expect(refused).rejects.not.toThrow(new URL(url).password)
})

it('knows what is pending', async () => {
  const all = await pendingMigrations([])
  expect(all.length).toBeGreaterThan(0)
  expect(await pendingMigrations(all.slice(1))).toEqual(all.slice(0, 1))
  expect(await pendingMigrations([...all, '2098_newer'])).toEqual([])
})
