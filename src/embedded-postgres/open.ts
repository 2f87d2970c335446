import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, StartError } from '../kernel/errors.ts'
import { isDataDirLocked } from '../platform/data-dir-lock.ts'
import { postgresUrl } from './cluster.ts'
import { readTrace, servesDirectory } from './orphan.ts'
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './start.ts'
import { startEmbeddedPostgres } from './start.ts'

const longestStartMs = 60_000

/** The PostgreSQL of the server that runs on DATA_DIR, which `stop` leaves alone; where none runs, one that is started until `stop`. */
export async function openEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<Pick<EmbeddedPostgres, 'url' | 'stop'>> {
  for (const deadline = Date.now() + longestStartMs; Date.now() < deadline; await delay(100)) {
    const directory = await pathOf(options.dataDir)
    const url = directory && (await findRunning(directory))
    if (url) return { url, stop: async () => undefined }
    // A server that has the lock is about to start its PostgreSQL, or has just stopped it.
    if (!directory || !(await isDataDirLocked(directory))) return startEmbeddedPostgres(options)
  }
  throw new StartError(
    `The server that uses DATA_DIR (${options.dataDir}) does not come up. See why in its output, or stop it`,
  )
}

async function pathOf(dataDir: string): Promise<string | undefined> {
  try {
    return await realpath(dataDir)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

async function findRunning(directory: string): Promise<string | undefined> {
  const cluster = join(directory, 'postgres')
  const trace = await readTrace(cluster)
  if (!trace) return undefined
  const password = await readPassword(join(directory, 'postgres-password'))
  if (password === undefined) return undefined
  return (await servesDirectory(trace, cluster, password)) ? postgresUrl(trace.port, password) : undefined
}

async function readPassword(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined
    throw new StartError(`${file} cannot be read: ${(cause as Error).message}. Use the account that runs the server`, {
      cause,
    })
  }
}
