import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { postgresUrl } from '../src/embedded-postgres/cluster.ts'
import { readTrace, servesDirectory } from '../src/embedded-postgres/orphan.ts'
import { startEmbeddedPostgres } from '../src/embedded-postgres/start.ts'
import type { Config } from '../src/settings/config.ts'

interface DevelopmentDatabase {
  readonly url: string
  /** Stops the PostgreSQL if it was started for this. */
  readonly stop: () => Promise<void>
}

/** The database of the settings: that of DATABASE_URL, that of the server that runs, or a PostgreSQL that is started for a while. */
export async function openDevelopmentDatabase({ database }: Config): Promise<DevelopmentDatabase> {
  const running = database.url ?? (await findRunning(resolve(database.dataDir)))
  if (running !== undefined) return { url: running, stop: async () => undefined }
  const { url, stop } = await startEmbeddedPostgres({ dataDir: database.dataDir })
  return { url, stop }
}

async function findRunning(dataDir: string): Promise<string | undefined> {
  const cluster = join(dataDir, 'postgres')
  const trace = await readTrace(cluster)
  if (!trace || !(await stat(join(dataDir, 'postgres-password')).catch(() => undefined))) return undefined
  const password = (await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim()
  return (await servesDirectory(trace, cluster, password)) ? postgresUrl(trace.port, password) : undefined
}
