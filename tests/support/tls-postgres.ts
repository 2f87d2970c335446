import { chmod, chown, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../src/embedded-postgres/start.ts'
import { runSql } from './catalog.ts'
import { selfSigned } from './certificate.ts'
import { databaseCertificates } from './database-certificates.ts'
import { givenFolder } from './process.ts'

/** A PostgreSQL with TLS at `localhost` and 127.0.0.1, whose certificate is for `localhost` only. */
export interface TlsPostgres {
  /**
   * Databases: `any` accepts every connection, `encrypted` those with TLS, `certified` those with a client certificate.
   */
  readonly url: (database: string, parameters?: string, host?: string) => string
  /** The superuser's connection, without TLS. */
  readonly adminUrl: (database: string) => string
  /**
   * Files for clients: the authority, an untrusted one, and client certificates signed by this authority or by none.
   */
  readonly files: Readonly<Record<'authority' | 'untrusted' | 'client' | 'clientKey' | 'untrustedKey', string>>
  readonly showCertificate: (name: 'server' | 'expired') => Promise<void>
  readonly stop: () => Promise<void>
}

const rules = `
hostssl   certified all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca
hostssl   encrypted all 127.0.0.1/32 scram-sha-256
host      any,auth  all 127.0.0.1/32 scram-sha-256
`

export async function startTlsPostgres(): Promise<TlsPostgres> {
  const folder = await givenFolder()
  const dataDir = join(folder, 'data')
  const postgres = await startEmbeddedPostgres({ dataDir, parameters: { fsync: 'off' } })
  const cluster = join(dataDir, 'postgres')
  const owner = await stat(cluster)

  const give = async (name: string, text: string) => {
    const file = join(cluster, name)
    await writeFile(file, text)
    await chmod(file, 0o600)
    await chown(file, owner.uid, owner.gid)
  }
  const reload = (...settings: readonly string[]) =>
    settings
      .reduce(
        (before, setting) => before.then(() => runSql(postgres.url, `ALTER SYSTEM SET ${setting}`)),
        Promise.resolve<unknown>(undefined),
      )
      .then(() => runSql(postgres.url, 'SELECT pg_reload_conf()'))
  const showCertificate = async (name: 'server' | 'expired') => {
    await reload("ssl = 'on'", `ssl_cert_file = '${name}.crt'`, `ssl_key_file = '${name}.key'`)
    await seen(postgres.url, 'ssl_cert_file', `${name}.crt`)
  }

  const { authority, server, serverKey, expired, expiredKey, client, clientKey } = databaseCertificates
  for (const name of ['any', 'encrypted', 'certified']) await runSql(postgres.url, `CREATE DATABASE "${name}"`)
  for (const [name, text] of Object.entries({
    'server.crt': server,
    'server.key': serverKey,
    'expired.crt': expired,
    'expired.key': expiredKey,
    'authority.crt': authority,
    'pg_hba.conf': rules,
  })) {
    await give(name, text)
  }
  await reload("ssl_ca_file = 'authority.crt'")
  await showCertificate('server')

  const texts = { authority, untrusted: selfSigned.cert, client, clientKey, untrustedKey: selfSigned.key }
  const files = Object.fromEntries(
    Object.keys(texts).map((name) => [name, join(folder, `${name}.pem`)]),
  ) as unknown as TlsPostgres['files']
  for (const [name, text] of Object.entries(texts)) await writeFile(files[name as keyof typeof files], text)

  const addressOf = (database: string, parameters: string, host: string) =>
    `${postgres.url.replace('127.0.0.1', host).replace(/[^/]+$/, database)}?${parameters}`
  return {
    url: (database, parameters = '', host = 'localhost') => addressOf(database, parameters, host),
    adminUrl: (database) => addressOf(database, '', '127.0.0.1'),
    files,
    showCertificate,
    stop: postgres.stop,
  }
}

/** A reload is asynchronous. */
async function seen(url: string, setting: string, value: string): Promise<void> {
  for (;;) {
    const [row] = await runSql<{ value: string }>(url, `SELECT current_setting('${setting}') AS value`)
    if (row?.value === value) return
  }
}
