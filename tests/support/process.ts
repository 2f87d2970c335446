import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const main = join(projectRoot, 'dist/start.cjs')

/** The account of a server process; without ids, the account of the tests. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
}

export interface ServerProcess {
  readonly pid: number
  /** The address of the server, once it is printed. Rejects with the whole output when the process ends before. */
  readonly ready: Promise<string>
  readonly exit: Promise<number | string>
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends a signal to the whole process group, as a terminal does. */
  readonly signalGroup: (signal: NodeJS.Signals) => void
  readonly kill: (signal: NodeJS.Signals) => void
}

export interface ProcessOptions {
  readonly args?: readonly string[]
  readonly account?: Account
  readonly cwd?: string
  /** The arguments of node in place of the built server. */
  readonly program?: readonly string[]
  /** `npm start` in the project's folder instead of node itself. */
  readonly throughNpm?: boolean
}

/** The settings for a server with a database of its own: without a key it would make one in a data directory. */
export const processKey = { SECRET_KEY: 'processes-sign-with-this-key-and-nothing-else-0123456789' }

const started: ServerProcess[] = []
const folders: string[] = []

// In groups of their own, they outlive a worker that ends in the middle of a test.
process.once('exit', () => {
  for (const server of started) killGroup(server)
})

function killGroup(server: ServerProcess): void {
  try {
    server.signalGroup('SIGKILL')
  } catch {
    // The process has ended already.
  }
}

/** Starts the process as an operator does, with these settings and nothing else in its environment. */
export function startProcess(env: Readonly<Record<string, string>>, options: ProcessOptions = {}): ServerProcess {
  const { args = [], account = {}, cwd = tmpdir(), program = [main], throughNpm = false } = options
  const command = throughNpm ? ['npm', 'start'] : [process.execPath, ...program, ...args]
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(command[0] ?? '', command.slice(1), {
    ...account,
    cwd: throughNpm ? projectRoot : cwd,
    env: { PATH, HOME, TMPDIR: tmpdir(), PORT: '0', PUBLIC_URL: 'http://localhost', BCRYPT_COST: '4', ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const server = observe(child)
  // Some tests never await it.
  server.ready.catch(() => undefined)
  started.push(server)
  return server
}

function observe(child: ChildProcess): ServerProcess {
  const { pid } = child
  if (pid === undefined) throw new Error('the process could not be started')
  const written = { stdout: '', stderr: '' }
  const exit = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  const ready = new Promise<string>((resolve, reject) => {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        written[name] += text
        const port = /API +http:\/\/localhost:(\d+)|"port":(\d+).*"listening"/.exec(written.stdout)
        if (port) resolve(`http://127.0.0.1:${port[1] ?? port[2]}`)
      })
    }
    void exit.then((outcome) => reject(new Error(`ended with ${outcome}:\n${written.stdout}${written.stderr}`)))
  })
  return {
    pid,
    ready,
    exit,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    signalGroup: (signal) => process.kill(-pid, signal),
    kill: (signal) => process.kill(pid, signal),
  }
}

/** A folder that this account owns and others can enter. */
export async function givenFolder({ uid, gid }: Account = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'process-'))
  folders.push(folder)
  await chmod(folder, 0o755)
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid)
  return folder
}

/** The process id of the PostgreSQL of a DATA_DIR, running or not. */
export async function postgresPid(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '')
  return Number.parseInt(text, 10) || undefined
}

/** Whether the process is running, and not a zombie. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) Z /.test(status)
}

/** The number of threads of the process. */
export async function countThreads(pid: number): Promise<number> {
  if (process.platform === 'linux') return (await readdir(`/proc/${pid}/task`)).length
  // macOS prints a line per thread below a heading.
  const { stdout } = await promisify(execFile)('ps', ['-M', '-p', String(pid)])
  return stdout.trim().split('\n').length - 1
}

export async function until(condition: () => Promise<boolean>, limitMs = 120_000): Promise<void> {
  for (const deadline = Date.now() + limitMs; !(await condition()); await delay(5)) {
    if (Date.now() > deadline) throw new Error('what was waited for did not come')
  }
}

/** Ends every process that the tests started, with its PostgreSQL, and removes their folders. */
export async function endProcesses(): Promise<void> {
  for (const server of started.splice(0)) {
    killGroup(server)
    await server.exit
  }
  for (const folder of folders.splice(0)) {
    for (const dataDir of [folder, join(folder, 'data')]) {
      const pid = await postgresPid(dataDir)
      if (pid !== undefined && (await isRunning(pid))) {
        process.kill(pid, 'SIGQUIT')
        await until(async () => !(await isRunning(pid)))
      }
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
