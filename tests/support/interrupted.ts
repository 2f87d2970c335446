import { readdirSync, readFileSync, rmSync } from 'node:fs'
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
  // Once the run has ended by itself the folder is gone, and there is nothing to do.
  process.once('exit', () => {
    for (const pid of postgresIn(folder)) end(pid)
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  })
}

function postgresIn(folder: string): number[] {
  try {
    const traces = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('/postmaster.pid'),
    )
    return traces.map((path) => Number.parseInt(readFileSync(join(folder, path), 'utf8'), 10))
  } catch {
    return []
  }
}

/** Waits until it is gone, as it would write into the folder that is about to be removed. */
function end(pid: number): void {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  try {
    process.kill(pid, 'SIGQUIT')
    for (let pauses = 0; pauses < 200; pauses += 1) {
      Atomics.wait(pause, 0, 0, 20)
      process.kill(pid, 0)
    }
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
