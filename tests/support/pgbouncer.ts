import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { givenFolder, until } from './process.ts'
import { freePort, startProgram } from './program.ts'
import { isOpen } from './redis.ts'

/**
 * Starts PgBouncer in front of a database, in transaction mode and otherwise with its defaults; returns the address
 * through it.
 */
export async function startPgbouncer(databaseUrl: string, authentication: 'trust' | 'md5' = 'trust'): Promise<string> {
  const database = new URL(databaseUrl)
  const folder = await givenFolder()
  const port = await freePort()
  const users = join(folder, 'users.txt')
  await writeFile(users, `"${database.username}" "${decodeURIComponent(database.password)}"\n`)
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(
    file,
    `[databases]
* = host=${database.hostname} port=${database.port}
[pgbouncer]
pool_mode = transaction
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = ${authentication}
auth_file = ${users}
`,
  )
  // PgBouncer refuses to run as root.
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  await startProgram('pgbouncer', ['-q', ...account, file])
  await until(() => isOpen(port))
  database.port = String(port)
  return database.href
}
