import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PostgresAccount } from './account.ts'

/** A program that writes to the log file in DATA_DIR. */
export interface LoggedRun {
  readonly child: ChildProcess
  /** Its exit code, or the signal or error that ended it. */
  readonly exited: Promise<number | string>
  /** The output so far. */
  readonly output: () => Promise<string>
  /** How it ended, with the last lines that it wrote and the path of the log. */
  readonly failure: (outcome: number | string) => Promise<string>
}

const longestLog = 1_000_000

const running = new Set<ChildProcess>()

// In a process group of its own, each would outlive a process that has to end before it could stop them.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export async function runLogged(
  account: PostgresAccount,
  dataDir: string,
  [program, ...args]: readonly [string, ...string[]],
): Promise<LoggedRun> {
  const file = join(dataDir, 'postgres.log')
  const size = await stat(file).then(
    (stats) => stats.size,
    () => 0,
  )
  const start = size > longestLog ? 0 : size
  const log = await open(file, start === 0 ? 'w' : 'a', 0o600)
  try {
    const child = account.run(program, args, log.fd)
    running.add(child)
    const exited = endReason(child).finally(() => running.delete(child))
    const output = async () => (await readFile(file)).subarray(start).toString('utf8').trim()
    return {
      child,
      exited,
      output,
      async failure(outcome) {
        const ending = typeof outcome === 'number' ? `exit code ${outcome}` : outcome
        const lines = (await output()).split('\n').slice(-8)
        return `${ending}. The end of ${file}:\n${lines.map((line) => `  ${line}`).join('\n')}`
      },
    }
  } finally {
    await log.close()
  }
}

async function endReason(child: ChildProcess): Promise<number | string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    return code ?? `ended by ${signal}`
  } catch (error) {
    return `it cannot be run: ${(error as Error).message}`
  }
}
