import { randomBytes } from 'node:crypto'
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { QueryResultRow } from 'pg'
import { Client } from 'pg'
import { hasCode, StartError } from '../kernel/errors.ts'
import { writeNew } from '../platform/data-dir.ts'
import type { PostgresAccount } from './account.ts'
import type { PostgresBinaries } from './binaries.ts'
import { runLogged } from './log.ts'

const usualEndMs = 10_000

/** The one role of the embedded PostgreSQL, and the name of its database. */
export const postgresName = 'auth'

/** Where a PostgreSQL of ours listens. */
export function postgresUrl(port: number, password: string, database = postgresName): string {
  return `postgresql://${postgresName}:${password}@127.0.0.1:${port}/${database}`
}

/** Runs one statement over a connection of its own. */
export async function query<Row extends QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<Row>(sql)
    return rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * INT disconnects the clients and shuts down cleanly, QUIT leaves recovery to the next start; each has half of the time. Says whether
 * PostgreSQL has ended.
 */
export async function endPostgres(pid: number, isGone: () => Promise<boolean>, limitMs = usualEndMs): Promise<boolean> {
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (!hasCode(error, 'ESRCH')) return false
    }
    for (const deadline = performance.now() + limitMs / 2; performance.now() < deadline; await delay(20)) {
      if (await isGone()) return true
    }
  }
  return false
}

/** An embedded PostgreSQL: its programs, its files, and the account that runs it. */
export interface Installation {
  readonly binaries: PostgresBinaries
  readonly account: PostgresAccount
  readonly dataDir: string
  /** The database directory itself. */
  readonly cluster: string
  readonly password: string
}

/** Makes the database directory unless it is there, and gives it to the account that PostgreSQL runs as. */
export async function provideCluster(installation: Installation): Promise<void> {
  const { cluster, account } = installation
  try {
    await access(join(cluster, 'PG_VERSION'))
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) {
      throw new StartError(
        `The database in ${cluster} belongs to another account. Start the server as that account, or set DATA_DIR to another directory`,
        { cause },
      )
    }
    await createCluster(installation)
  }
  await account.own(cluster)
}

/** The directory gets its name when it is complete: a start that is killed leaves only a temporary directory. */
async function createCluster({ binaries, account, dataDir, cluster, password }: Installation): Promise<void> {
  const litter = (await readdir(dataDir)).filter((name) => name.startsWith('postgres.new-'))
  // The initdb of a killed start may still be writing; the files that it adds now are removed at the next start.
  await Promise.allSettled(litter.map((name) => rm(join(dataDir, name), { recursive: true, force: true })))

  const draft = join(dataDir, `postgres.new-${randomBytes(6).toString('hex')}`)
  const passwordFile = `${draft}.password`
  try {
    await mkdir(draft, { mode: 0o700 })
    await account.own(draft)
    await writeNew(passwordFile, password)
    await account.own(passwordFile)
    const options = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions']
    const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    const named = [`--pgdata=${draft}`, `--pwfile=${passwordFile}`, `--username=${postgresName}`]
    const run = await runLogged(account, dataDir, [binaries.initdb, ...named, ...options, ...locale])
    const outcome = await run.exited
    if (outcome !== 0) throw new StartError(`A database could not be made in ${dataDir}: ${await run.failure(outcome)}`)
    // A directory without PG_VERSION holds nothing that PostgreSQL could have been started with.
    await rm(cluster, { recursive: true, force: true })
    await rename(draft, cluster)
  } finally {
    await Promise.all([passwordFile, draft].map((path) => rm(path, { recursive: true, force: true })))
  }
}
