import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, StartError } from '../kernel/errors.ts'
import type { Installation } from './cluster.ts'
import { endPostgres, postgresUrl, query } from './cluster.ts'

/** Ends a PostgreSQL that outlived a killed server, and clears away the trace of one that did not. */
export async function stopOrphan({ cluster, password }: Installation): Promise<void> {
  const trace = await readTrace(cluster)
  if (!trace || !isAlive(trace.pid)) return
  if (!(await servesDirectory(trace, cluster, password))) {
    // The process id belongs to another program by now, and PostgreSQL would take that for a running PostgreSQL.
    await rm(join(cluster, 'postmaster.pid'), { force: true })
    return
  }
  // A process that has ended stays in the process table until its parent reaps it; its files are gone all the same.
  const isGone = async () => !isAlive(trace.pid) || (await readTrace(cluster))?.pid !== trace.pid
  if (!(await endPostgres(trace.pid, isGone))) {
    throw new StartError(`A PostgreSQL (process ${trace.pid}) of an earlier start still uses ${cluster}. Stop it`)
  }
}

interface Trace {
  readonly pid: number
  readonly port: number
}

export async function readTrace(cluster: string): Promise<Trace | undefined> {
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

/** Asks the server at the recorded port which directory it serves. */
export async function servesDirectory({ port, pid }: Trace, cluster: string, password: string): Promise<boolean> {
  let refusals = 0
  for (let delays = 600; delays > 0; delays -= 1) {
    try {
      const [row] = await query<{ data_directory: string }>(
        postgresUrl(port, password, 'postgres'),
        'SHOW data_directory',
      )
      return row?.data_directory === cluster
    } catch (error) {
      if (hasCode(error, '28P01', '28000')) return false
      // It writes the trace a moment before it listens.
      if (hasCode(error, 'ECONNREFUSED', 'ERR_SOCKET_BAD_PORT')) refusals += 1
      if (refusals > 20) return false
      if (!isAlive(pid)) return false
    }
    // It may be starting, recovering or stopping.
    await delay(50)
  }
  throw new StartError(`A process (${pid}) that seems to be a PostgreSQL on ${cluster} does not answer. Stop it`)
}
