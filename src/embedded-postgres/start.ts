import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, StartError } from '../kernel/errors.ts'
import { openDataDir, readOrCreateSecret } from '../platform/data-dir.ts'
import type { DataDirLock } from '../platform/data-dir-lock.ts'
import { lockDataDir } from '../platform/data-dir-lock.ts'
import type { PostgresAccount } from './account.ts'
import { choosePostgresAccount } from './account.ts'
import { findPostgresBinaries } from './binaries.ts'
import type { Installation } from './cluster.ts'
import { endPostgres, postgresName, postgresUrl, provideCluster, query } from './cluster.ts'
import type { LoggedRun } from './log.ts'
import { runLogged } from './log.ts'
import { stopOrphan } from './orphan.ts'

/** A PostgreSQL of our own, on a loopback port that is usable with its password only. */
export interface EmbeddedPostgres {
  readonly url: string
  /** Resolves when PostgreSQL ends without having been told to. It is not started again. */
  readonly died: Promise<StartError>
  readonly stop: (limitMs?: number) => Promise<void>
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string
  /** Settings of PostgreSQL besides our own. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Called when a program of PostgreSQL has been started, of which there are several. */
  readonly onRun?: () => void
}

const ownParameters = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Options that a single small server does not need are off: the start is faster.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  io_method: 'sync',
  jit: 'off',
}

/** Starts a PostgreSQL whose files are in DATA_DIR, making them first if need be. Throws a StartError. */
export async function startEmbeddedPostgres({
  dataDir,
  parameters = {},
  onRun = () => undefined,
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = await findPostgresBinaries()
  const directory = await openDataDir(dataDir)
  const lock = await lockDataDir(directory)
  try {
    const account = announcing(await choosePostgresAccount(binaries, directory), onRun)
    const password = await readOrCreateSecret(directory, 'postgres-password')
    const installation = { binaries, account, dataDir: directory, cluster: join(directory, 'postgres'), password }
    const { run, url } = await launch(installation, { ...ownParameters, ...parameters })
    return supervise(run, url, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

function announcing({ own, run }: PostgresAccount, onRun: () => void): PostgresAccount {
  return {
    own,
    run(...given) {
      const child = run(...given)
      onRun()
      return child
    },
  }
}

interface Launched {
  readonly run: LoggedRun
  readonly url: string
}

/** Causes that pass by themselves: a port that came into use in between, or remains of a PostgreSQL that is just ending. */
const passing = /Address already in use|could not bind|pre-existing shared memory|postmaster\.pid" already exists/

async function launch(installation: Installation, parameters: Readonly<Record<string, string>>): Promise<Launched> {
  const { account, binaries, dataDir, cluster, password } = installation
  for (let attempt = 1; ; attempt += 1) {
    await stopOrphan(installation)
    await provideCluster(installation)
    const port = Number(parameters.port ?? (await freePort()))
    const settings = Object.entries({ ...parameters, port: String(port) }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const run = await runLogged(account, dataDir, [binaries.postgres, '-D', cluster, ...settings])
    const asking = new AbortController()
    const outcome = await Promise.race([run.exited, untilReady(port, password, asking.signal)])
    asking.abort()
    if (outcome === ready) return { run, url: postgresUrl(port, password) }
    if (outcome === tooLate) {
      run.child.kill('SIGQUIT')
      await run.exited
    }
    if (attempt === 5 || !passing.test(await run.output())) {
      throw new StartError(`PostgreSQL did not start: ${await run.failure(outcome)}`)
    }
    await delay(attempt * 200)
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

const ready = 'ready'
const tooLate = 'it did not answer within a minute'

/** Recovery after a crash may take its time. */
async function untilReady(port: number, password: string, abort: AbortSignal): Promise<typeof ready | typeof tooLate> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline && !abort.aborted) {
    try {
      await query(postgresUrl(port, password), 'SELECT 1')
      return ready
    } catch (error) {
      if (hasCode(error, '3D000')) await createDatabase(port, password).catch(() => undefined)
    }
    await delay(10)
  }
  return tooLate
}

async function createDatabase(port: number, password: string): Promise<void> {
  await query(postgresUrl(port, password, 'postgres'), `CREATE DATABASE ${postgresName}`)
}

function supervise({ child, exited, failure }: LoggedRun, url: string, lock: DataDirLock): EmbeddedPostgres {
  let stopping: Promise<void> | undefined
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null

  async function stop(limitMs?: number): Promise<void> {
    // Once it has ended, its process id may belong to another process.
    if (child.pid !== undefined && !hasEnded()) await endPostgres(child.pid, async () => hasEnded(), limitMs)
    await lock.release()
  }

  return {
    url,
    died: new Promise((resolve) => {
      void exited.then(async (outcome) => {
        if (!stopping) resolve(new StartError(`PostgreSQL ended unexpectedly: ${await failure(outcome)}`))
      })
    }),
    stop: (limitMs) => (stopping ??= stop(limitMs)),
  }
}
