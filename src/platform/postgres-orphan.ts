import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { hasCode } from './data-dir.ts'
import type { Installation } from './postgres-cluster.ts'
import { postgresName } from './postgres-cluster.ts'
import { StartError } from './start-error.ts'

/** Ends a PostgreSQL: INT cuts its clients off and writes everything down, QUIT leaves that to the next start. */
export async function signalPostgres(pid: number, signal: 'INT' | 'QUIT', pgCtl: string): Promise<void> {
  // Windows has no signals; PostgreSQL brings its own.
  if (process.platform === 'win32') await promisify(execFile)(pgCtl, ['kill', signal, String(pid)])
  else process.kill(pid, `SIG${signal}`)
}

/** Where a PostgreSQL of ours listens. */
export function postgresUrl(port: number, password: string, database = postgresName): string {
  return `postgresql://${postgresName}:${password}@127.0.0.1:${port}/${database}`
}

/** Ends a PostgreSQL that outlived a killed server, and clears away the trace of one that did not. */
export async function stopOrphan({ cluster, password, binaries }: Installation): Promise<void> {
  const trace = await readTrace(cluster)
  if (!trace || !isAlive(trace.pid)) return
  if (!(await isOurs(trace, cluster, password))) {
    // The number belongs to another process by now, and PostgreSQL would take that for a PostgreSQL.
    await rm(join(cluster, 'postmaster.pid'), { force: true })
    return
  }
  for (const signal of ['INT', 'QUIT'] as const) {
    try {
      await signalPostgres(trace.pid, signal, binaries.pg_ctl)
    } catch (error) {
      if (!hasCode(error, 'ESRCH')) break
    }
    if (await isGone(trace, cluster)) return
  }
  throw new StartError(`A PostgreSQL (process ${trace.pid}) of an earlier start still uses ${cluster}. Stop it`)
}

interface Trace {
  readonly pid: number
  readonly port: number
}

async function readTrace(cluster: string): Promise<Trace | undefined> {
  try {
    const [pid, , , port] = (await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n').map(Number)
    return pid && pid > 0 ? { pid, port: port || 0 } : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}

/** Asks whoever listens at the traced port which directory it serves. */
async function isOurs({ port, pid }: Trace, cluster: string, password: string): Promise<boolean> {
  let refusals = 0
  for (let patience = 600; patience > 0; patience -= 1) {
    const client = new Client({
      connectionString: postgresUrl(port, password, 'postgres'),
      connectionTimeoutMillis: 2000,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory')
      return rows[0]?.data_directory === cluster
    } catch (error) {
      if (hasCode(error, '28P01', '28000')) return false
      // It writes the trace a moment before it listens.
      if (hasCode(error, 'ECONNREFUSED', 'ERR_SOCKET_BAD_PORT')) refusals += 1
      if (refusals > 20) return false
      if (!isAlive(pid)) return false
    } finally {
      await client.end().catch(() => undefined)
    }
    // It may be starting, recovering or stopping.
    await delay(50)
  }
  throw new StartError(`A process (${pid}) that seems to be a PostgreSQL on ${cluster} does not answer. Stop it`)
}

/** A process that nobody waits for stays in the table when it ended: its trace is gone all the same. */
async function isGone({ pid }: Trace, cluster: string): Promise<boolean> {
  for (let patience = 500; patience > 0; patience -= 1) {
    if (!isAlive(pid) || (await readTrace(cluster))?.pid !== pid) return true
    await delay(20)
  }
  return false
}
