import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import type { EmbeddedPostgres } from '../../src/embedded-postgres/start.ts'
import { startEmbeddedPostgres } from '../../src/embedded-postgres/start.ts'
import { applyMigrations } from '../../src/platform/database/migrations.ts'
import { cleanUpWhenInterrupted } from './interrupted.ts'
import { findLeftovers } from './leftovers.ts'

interface TestRun {
  /** The temporary folder of the environment. */
  readonly temporary: string
  /** A folder in it for the tests and all that they start. */
  readonly folder: string
  readonly dataDir: string
  readonly postgres: EmbeddedPostgres
  /** The contents outside before the run. */
  readonly leftovers: readonly string[]
}

declare global {
  var testRun: TestRun | undefined
}

/** One temporary folder for the whole run, with one PostgreSQL and one migrated database to clone. */
// biome-ignore lint/style/noDefaultExport: Jest calls the default export.
export default async function beginRun(): Promise<void> {
  const temporary = tmpdir()
  const leftovers = await findLeftovers(temporary)
  const folder = await mkdtemp(join(temporary, 'auth-tests-'))
  cleanUpWhenInterrupted(folder)
  const dataDir = join(folder, 'databases')
  try {
    await mkdir(dataDir)
    // Root's PostgreSQL runs as another account, which must be able to enter.
    for (const directory of [folder, dataDir]) await chmod(directory, 0o711)
    const postgres = await startEmbeddedPostgres({
      dataDir,
      // The data need not survive a power cut.
      parameters: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
    })
    globalThis.testRun = { temporary, folder, dataDir, postgres, leftovers }
    const admin = new Client({ connectionString: postgres.url })
    await admin.connect()
    await admin.query('CREATE DATABASE template_migrated')
    await admin.end()
    await applyMigrations({ url: postgres.url.replace(/[^/]+$/, 'template_migrated') })
    process.env.TEST_POSTGRES_URL = postgres.url
    process.env.TMPDIR = folder
  } catch (error) {
    await globalThis.testRun?.postgres.stop()
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}
