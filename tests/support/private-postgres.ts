import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../src/embedded-postgres/start.ts'
import { applyMigrations } from '../../src/platform/database/migrations.ts'
import { postgresPid } from './process.ts'

/** A migrated PostgreSQL that a test may stop, fill and start again at the same address. */
export interface PrivatePostgres {
  readonly url: string
  stop(): Promise<void>
  start(): Promise<void>
  /** Kills it with -9, as the system does when memory runs out. */
  kill(): Promise<void>
  /** Stops it and deletes its files. */
  end(): Promise<void>
}

export async function startPrivatePostgres(
  parameters: Readonly<Record<string, string>> = {},
  folder?: string,
): Promise<PrivatePostgres> {
  const dataDir = folder ?? (await mkdtemp(join(tmpdir(), 'private-')))
  const fast = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', ...parameters }
  let postgres = await startEmbeddedPostgres({ dataDir, parameters: fast })
  const { url } = postgres
  await applyMigrations({ url })
  return {
    url,
    stop: () => postgres.stop(),
    async kill() {
      process.kill((await postgresPid(dataDir)) ?? 0, 'SIGKILL')
      await postgres.stop()
    },
    async start() {
      postgres = await startEmbeddedPostgres({ dataDir, parameters: { ...fast, port: new URL(url).port } })
    },
    async end() {
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
