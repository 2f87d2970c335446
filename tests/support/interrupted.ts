import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

/**
 * Ends every PostgreSQL in the folder of a run and removes the folder when the run ends early. Each is in a process group of its own, so
 * a Ctrl-C does not reach it.
 */
export function cleanUpWhenInterrupted(folder: string): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
  process.once('exit', () => {
    for (const trace of tracesIn(folder)) end(trace)
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  })
}

/** The files in which each PostgreSQL has its process id as long as it runs. */
function tracesIn(folder: string): string[] {
  try {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    return paths.filter((path) => path.endsWith('/postmaster.pid')).map((path) => join(folder, path))
  } catch {
    // Once the run has ended by itself the folder is gone.
    return []
  }
}

/** Waits until it has ended, as it would write into the folder that is about to be removed. */
function end(trace: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  try {
    const pid = Number.parseInt(readFileSync(trace, 'utf8'), 10)
    process.kill(pid, 'SIGQUIT')
    for (let pauses = 0; pauses < 300 && existsSync(trace); pauses += 1) Atomics.wait(pause, 0, 0, 20)
    if (existsSync(trace)) process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
