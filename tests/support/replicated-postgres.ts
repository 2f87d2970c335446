import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runSql } from './catalog.ts'
import type { Account } from './process.ts'
import { givenFolder, until } from './process.ts'
import type { Program } from './program.ts'
import { freePort, startProgram } from './program.ts'
import { isOpen } from './redis.ts'

const binaries = '/usr/lib/postgresql/15/bin'
const haproxyFile = fileURLToPath(new URL('../../docs/failover/haproxy.cfg', import.meta.url))

/** Two PostgreSQL 15 of Debian with synchronous replication, behind HAProxy. */
export interface ReplicatedPostgres {
  /** The address of the database through HAProxy, which leads to whichever is the primary. */
  readonly url: string
  /** The address of the standby itself. */
  readonly standbyUrl: string
  /** Kills the primary with -9. */
  killPrimary(): Promise<void>
  promoteStandby(): Promise<void>
}

/** PostgreSQL refuses to run as root. */
async function postgresAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((one) => one.startsWith('postgres:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined) throw new Error('these tests need PostgreSQL of Debian: apt-get install postgresql-15')
  return { uid: Number(uid), gid: Number(gid) }
}

export async function startReplicatedPostgres(): Promise<ReplicatedPostgres> {
  const account = await postgresAccount()
  const folder = await givenFolder(account)
  const [primary, standby, proxy] = [await freePort(), await freePort(), await freePort()]
  const run = (name: string, ...args: string[]) => promisify(execFile)(join(binaries, name), args, account)
  const start = async (name: string, port: number): Promise<Program> => {
    const settings = [
      `port=${port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'log_min_messages=panic',
    ]
    const options = settings.flatMap((setting) => ['-c', setting])
    const args = ['-D', join(folder, name), ...options]
    const program = await startProgram(join(binaries, 'postgres'), args, {}, account)
    await until(() =>
      runSql(urlOf(port), 'SELECT 1').then(
        () => true,
        () => false,
      ),
    )
    return program
  }

  await run(
    'initdb',
    '-D',
    join(folder, 'primary'),
    '-U',
    'auth',
    '--auth=trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  )
  const running = await start('primary', primary)
  await runSql(urlOf(primary), 'CREATE DATABASE auth')
  await runSql(urlOf(primary), 'CREATE ROLE haproxy LOGIN')
  const source = ['-h', '127.0.0.1', '-p', String(primary), '-U', 'auth']
  await run('pg_basebackup', '-D', join(folder, 'standby'), ...source, '-R', '-X', 'stream', '-c', 'fast', '--no-sync')
  await start('standby', standby)
  await runSql(urlOf(primary), `ALTER SYSTEM SET synchronous_standby_names = '*'`)
  await runSql(urlOf(primary), 'SELECT pg_reload_conf()')
  const isSynchronous = `SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`
  await until(async () => (await runSql(urlOf(primary), isSynchronous)).length === 1)
  await startHaproxy(folder, { primary, standby, proxy })

  return {
    url: urlOf(proxy, 'auth'),
    standbyUrl: urlOf(standby, 'auth'),
    killPrimary: () => running.kill(),
    async promoteStandby() {
      await runSql(urlOf(standby), 'SELECT pg_promote(true, 30)')
    },
  }
}

const urlOf = (port: number, database = 'postgres') => `postgresql://auth@127.0.0.1:${port}/${database}`

/** With the configuration that operators are shown, at other addresses. */
async function startHaproxy(
  folder: string,
  { primary, standby, proxy }: { primary: number; standby: number; proxy: number },
): Promise<void> {
  const shown = await readFile(haproxyFile, 'utf8')
  const file = join(folder, 'haproxy.cfg')
  await writeFile(
    file,
    shown
      .replace('bind :5432', `bind 127.0.0.1:${proxy}`)
      .replace('postgres-1:5432', `127.0.0.1:${primary}`)
      .replace('postgres-2:5432', `127.0.0.1:${standby}`)
      .replaceAll(' resolvers docker init-addr none', ''),
  )
  await startProgram('haproxy', ['-db', '-q', '-f', file])
  await until(() => isOpen(proxy))
  // HAProxy takes both for usable until its first checks are answered, and leads to one after the other.
  await until(async () => {
    for (let connection = 0; connection < 4; connection += 1) if (!(await isPrimary(urlOf(proxy, 'auth')))) return false
    return true
  })
}

function isPrimary(url: string): Promise<boolean> {
  return runSql(url, 'SELECT WHERE NOT pg_is_in_recovery()').then(
    (rows) => rows.length === 1,
    () => false,
  )
}
