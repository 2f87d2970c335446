import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { lchown, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { StartError } from '../kernel/errors.ts'
import type { PostgresBinaries } from './binaries.ts'

interface Account {
  readonly uid: number
  readonly gid: number
}

/** How the programs of PostgreSQL, which refuse to run as root, are run. */
export interface PostgresAccount {
  /** Gives a file or folder, with all that is in it, to the account. Does nothing when it has it already. */
  readonly own: (path: string) => Promise<void>
  /** Starts a program in a process group of its own: Ctrl-C in the terminal is for us alone. Output goes to the log. */
  readonly run: (program: string, args: readonly string[], log: number) => ChildProcess
}

/** Nothing of our own environment: variables such as PGPORT would steer the programs. */
const environment = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }

/**
 * An ordinary user runs PostgreSQL as itself. Root runs it as an existing account that can reach the files (the owner
 * of DATA_DIR, or `nobody`). Where there is none, it runs in a user namespace, where root of this machine is `nobody`. Throws a StartError when none
 * of these is possible.
 */
export async function choosePostgresAccount(binaries: PostgresBinaries, dataDir: string): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { own: async () => undefined, run: runner([], {}) }

  const accounts = await readAccounts()
  const { uid: ownerUid } = await stat(dataDir)
  const account =
    accounts.find(({ uid }) => uid === ownerUid && uid !== 0) ?? accounts.find(({ name }) => name === 'nobody')
  if (account) {
    const { uid, gid } = account
    if ((await canReach(account, dataDir)) && (await canReach(account, binaries.postgres))) {
      return { own: (path) => giveTo({ uid, gid }, path), run: runner([], { uid, gid }) }
    }
    const disguise = ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--']
    if (await works([...disguise, binaries.postgres, '--version'])) {
      // Outside the namespace the files are root's.
      return { own: (path) => giveTo({ uid: 0, gid: 0 }, path), run: runner(disguise, {}) }
    }
  }
  throw new StartError(
    `PostgreSQL refuses to run as root, and no other account can reach both DATA_DIR (${dataDir}) and the installed packages. ` +
      'Move the project out of closed folders such as /root, or start it as an ordinary user, or set DATABASE_URL',
  )
}

function runner(prefix: readonly string[], identity: Partial<Account>): PostgresAccount['run'] {
  return (program, args, log) => {
    const [command = program, ...rest] = [...prefix, program, ...args]
    return spawn(command, rest, {
      ...identity,
      cwd: dirname(program),
      env: environment,
      detached: true,
      stdio: ['ignore', log, log],
    })
  }
}

async function readAccounts(): Promise<(Account & { name: string })[]> {
  const table = await readFile('/etc/passwd', 'utf8').catch(() => '')
  return table
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 7)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}

/** Whether the account may pass through every folder above the path and use what is there. */
async function canReach(account: Account, path: string): Promise<boolean> {
  for (let place = resolve(path); ; place = dirname(place)) {
    const { uid, mode } = await stat(place)
    if ((mode & (uid === account.uid ? 0o100 : 0o001)) === 0) return false
    if (place === dirname(place)) return true
  }
}

async function works([command = '', ...args]: readonly string[]): Promise<boolean> {
  return promisify(execFile)(command, args, { env: environment }).then(
    () => true,
    () => false,
  )
}

/** The folder comes last, so that a change of owner that was cut short is done again. */
async function giveTo({ uid, gid }: Account, path: string): Promise<void> {
  const before = await stat(path)
  if (before.uid === uid && before.gid === gid) return
  if (before.isDirectory()) {
    const entries = await readdir(path, { recursive: true })
    for (const entry of entries) await lchown(join(path, entry), uid, gid)
  }
  await lchown(path, uid, gid)
}
