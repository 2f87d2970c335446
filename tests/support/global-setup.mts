import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import type { EmbeddedPostgres } from '../../src/platform/embedded-postgres/start.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres/start.ts'
import { applyMigrations } from '../../src/platform/migrations.ts'

declare global {
  var testDatabases: { postgres: EmbeddedPostgres; dataDir: string } | undefined
}

/** One PostgreSQL for the whole run, with one migrated database to clone. */
// biome-ignore lint/style/noDefaultExport: Jest calls the default export.
export default async function startDatabases(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'auth-tests-'))
  // For root's sake, whose PostgreSQL runs as another account.
  await chmod(dataDir, 0o711)
  try {
    const postgres = await startEmbeddedPostgres({
      dataDir,
      // Nothing here has to survive a power cut.
      parameters: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
    })
    globalThis.testDatabases = { postgres, dataDir }
    const admin = new Client({ connectionString: postgres.url })
    await admin.connect()
    await admin.query('CREATE DATABASE template_migrated')
    await admin.end()
    await applyMigrations({ url: postgres.url.replace(/[^/]+$/, 'template_migrated') })
    process.env.TEST_POSTGRES_URL = postgres.url
  } catch (error) {
    await globalThis.testDatabases?.postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
    throw error
  }
}
