import { rename } from 'node:fs/promises'
import { applyMigrations } from '../../../src/platform/database/migrations.ts'
import { refusalOf } from '../../support/answers.ts'
import { runSql } from '../../support/catalog.ts'
import { breakConnections, emptyDatabase } from '../../support/database.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser } from '../../support/fixtures.ts'
import { endProcesses, processKey, startProcess } from '../../support/process.ts'
import { withServer } from '../../support/server.ts'
import type { TlsPostgres } from '../../support/tls-postgres.ts'
import { startTlsPostgres } from '../../support/tls-postgres.ts'

let postgres: TlsPostgres
beforeAll(async () => {
  postgres = await startTlsPostgres()
})
afterAll(async () => {
  await postgres.stop()
  await endProcesses()
})

/** With the files of the test in place of their names. */
function fill(parameters: string): string {
  return parameters.replace(/\{(\w+)\}/g, (_, name: keyof TlsPostgres['files']) => postgres.files[name])
}

/** Whether the server's own connection is encrypted, as PostgreSQL sees it. */
const isEncrypted = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'

const refusal = (url: string) => applyMigrations({ url }).then(String, ({ name, message }) => `${name}: ${message}`)

describe('an sslmode that PostgreSQL can serve', () => {
  it.each([
    ['nothing, as prefer', '', true],
    ['prefer', 'sslmode=prefer', true],
    ['disable', 'sslmode=disable', false],
    ['require', 'sslmode=require', true],
    ['ssl=true, as require', 'ssl=true', true],
    ['require, with TLS from the first byte', 'sslmode=require&sslnegotiation=direct', true],
    ['require, with an authority', 'sslmode=require&sslrootcert={authority}', true],
    ['verify-full, with an authority', 'sslmode=verify-full&sslrootcert={authority}', true],
    ['verify-full, beside other parameters', 'sslmode=verify-full&schema=own%20one&sslrootcert={authority}', true],
  ])('is served from migrations to users: %s', async (_mode, parameters, encrypted) => {
    const url = postgres.url('any', fill(parameters))
    await applyMigrations({ url })
    await withServer({ DATABASE_URL: url }, async (server) => {
      await givenUser(server)
      expect((await exchange(server.url, '/readyz')).body).toEqual({ status: 'ready' })
      expect(await server.database.db.$queryRawUnsafe(isEncrypted)).toEqual([{ ssl: encrypted }])
    })
  })

  it.each([
    ['verify-ca', 'sslmode=verify-ca'],
    ['require, with an authority', 'sslmode=require'],
    ['prefer, with an authority', 'sslmode=prefer'],
  ])('may lead to another name than that of the certificate: %s', async (_mode, mode) => {
    const url = postgres.url('any', fill(`${mode}&sslrootcert={authority}`), '127.0.0.1')
    expect(await refusal(url)).not.toContain('StartError')
  })

  it('shows the certificate that PostgreSQL asks for', async () => {
    const url = postgres.url(
      'certified',
      fill('sslmode=verify-full&sslrootcert={authority}&sslcert={client}&sslkey={clientKey}'),
    )
    await applyMigrations({ url })
    await withServer({ DATABASE_URL: url }, async (server) => {
      await givenUser(server)
      const [seen] = await server.database.db.$queryRaw<{ name: string }[]>`
        SELECT client_dn AS name FROM pg_stat_ssl WHERE pid = pg_backend_pid()`
      expect(seen?.name).toBe('/CN=auth')
    })
  })

  it('holds for every connection of the process, and for npm run migrate', async () => {
    const DATABASE_URL = postgres.url('encrypted', fill('sslmode=verify-full&sslrootcert={authority}'))
    const migrate = startProcess({ ...processKey, DATABASE_URL }, { args: ['migrate'] })
    expect([await migrate.exit, migrate.stderr()]).toEqual([0, ''])
    const server = startProcess({ ...processKey, DATABASE_URL })
    expect((await exchange(await server.ready, '/readyz')).status).toBe(200)
    const rows = await runSql<{ ssl: boolean }>(
      postgres.adminUrl('any'),
      `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'encrypted'`,
    )
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.every(({ ssl }) => ssl)).toBe(true)
    server.kill('SIGTERM')
    expect([await server.exit, server.stderr()]).toEqual([0, ''])
  })
})

describe('an sslmode', () => {
  const full = 'sslmode=verify-full&sslrootcert='
  const refused: readonly (readonly [string, string, RegExp])[] = [
    [
      'verify-full without the authority',
      'localhost/any?sslmode=verify-full',
      /no authority that is trusted here.* sslrootcert/,
    ],
    ['verify-full with those of Node', `localhost/any?${full}system`, /no authority that is trusted here/],
    ['verify-full with another authority', `localhost/any?${full}{untrusted}`, /no authority that is trusted here/],
    ['verify-ca with another', 'localhost/any?sslmode=verify-ca&sslrootcert={untrusted}', /no authority/],
    ['require with another', 'localhost/any?sslmode=require&sslrootcert={untrusted}', /no authority/],
    // In the clear only where there is no TLS, and never where TLS fails.
    ['prefer with another', 'localhost/any?sslmode=prefer&sslrootcert={untrusted}', /no authority/],
    [
      'verify-full by another name',
      `127.0.0.1/any?${full}{authority}`,
      /for another name than the host in DATABASE_URL/,
    ],
    ['disable where TLS is asked for', 'localhost/encrypted?sslmode=disable', /no encryption: .*sslmode=require/],
    ['require where a client certificate is asked for', 'localhost/certified?sslmode=require', /sslcert and sslkey/],
    [
      'a client certificate of another authority',
      'localhost/certified?sslmode=require&sslcert={untrusted}&sslkey={untrustedKey}',
      /PostgreSQL refuses the TLS connection .*sslcert and sslkey/,
    ],
    [
      'a key of another certificate',
      'localhost/any?sslmode=require&sslcert={client}&sslkey={untrustedKey}',
      /^StartError: DATABASE_URL cannot be used: the files of .*sslcert and sslkey/,
    ],
    [
      'a file that is not there',
      `localhost/any?${full}/nowhere/root.crt`,
      /the file of sslrootcert cannot be read \(ENOENT\)/,
    ],
  ]

  it.each(refused)(
    'is a start error that names TLS where PostgreSQL cannot serve it: %s',
    async (_mode, place, sentence) => {
      const [, host = '', database = '', parameters = ''] = /^(.*?)\/(\w+)\?(.*)$/.exec(place) ?? []
      const url = postgres.url(database, fill(parameters), host)
      const told = await refusal(url)
      expect(told).toMatch(/^StartError: (The database cannot be reached|DATABASE_URL cannot be used): /)
      expect(told).toMatch(sentence)
      expect(told).not.toContain(new URL(url).password)
    },
  )

  it('is a start error with an expired certificate, where that is checked', async () => {
    await postgres.showCertificate('expired')
    try {
      const checked = postgres.url('any', fill('sslmode=verify-full&sslrootcert={authority}'))
      expect(await refusal(checked)).toMatch(/^StartError: .* certificate of PostgreSQL has expired: renew it/)
      expect(await refusal(postgres.url('any', 'sslmode=require'))).not.toContain('StartError')
    } finally {
      await postgres.showCertificate('server')
    }
  })

  it('is one message of the process, without a wait', async () => {
    const DATABASE_URL = postgres.url('any', 'sslmode=verify-full')
    for (const { args, code } of [
      { args: [], code: 1 },
      { args: ['migrate'], code: 2 },
    ]) {
      const server = startProcess({ ...processKey, DATABASE_URL, DATABASE_WAIT: '1h' }, { args })
      expect(await server.exit).toBe(code)
      expect(server.stderr()).toMatch(/^The database cannot be reached: the certificate of PostgreSQL .*\n$/)
    }
  })
})

describe('a PostgreSQL without TLS', () => {
  it('is used in the clear with prefer, and is a start error with a mode that requires TLS', async () => {
    const plain = await emptyDatabase()
    expect(await refusal(`${plain}?sslmode=prefer`)).not.toContain('StartError')
    for (const parameters of ['sslmode=require', fill('sslmode=verify-full&sslrootcert={authority}')]) {
      expect(await refusal(`${plain}?${parameters}`)).toMatch(/^StartError: .*PostgreSQL there has no TLS/)
    }
  })
})

describe('while the server runs', () => {
  it('certificates can be replaced, and while one cannot be read requests are 503', async () => {
    const parameters = fill('sslmode=verify-full&sslrootcert={authority}')
    const url = postgres.url('any', parameters)
    await applyMigrations({ url })
    await withServer({ DATABASE_URL: url }, async (server) => {
      const { access_token: token } = await givenUser(server)
      const session = () => server.send('GET', '/session', { token })
      const aside = `${postgres.files.authority}.aside`
      await rename(postgres.files.authority, aside)
      await breakConnections(postgres.adminUrl('any'))
      expect(refusalOf(await session())).toBe('503 database_unavailable')
      await rename(aside, postgres.files.authority)
      expect((await session()).status).toBe(200)
    })
  })

  it('gets no connection in the clear when PostgreSQL loses its TLS', async () => {
    const url = postgres.url('any', 'sslmode=require')
    await applyMigrations({ url })
    await withServer({ DATABASE_URL: url }, async (server) => {
      const { access_token: token } = await givenUser(server)
      await runSql(postgres.adminUrl('any'), `ALTER SYSTEM SET ssl = 'off'`)
      await runSql(postgres.adminUrl('any'), 'SELECT pg_reload_conf()')
      try {
        await breakConnections(postgres.adminUrl('any'))
        expect(refusalOf(await server.send('GET', '/session', { token }))).toBe('503 database_unavailable')
      } finally {
        await postgres.showCertificate('server')
      }
      expect((await server.send('GET', '/session', { token })).status).toBe(200)
    })
  })
})
