import { applyMigrations } from '../../../src/platform/database/migrations.ts'
import { runSql } from '../../support/catalog.ts'
import { emptyDatabase, freshDatabase, givenOwnRole, setDefaults } from '../../support/database.ts'
import { exchange } from '../../support/exchange.ts'
import { endProcesses, processKey, startProcess } from '../../support/process.ts'
import { startServer, withServer } from '../../support/server.ts'
import { liveWholeLife } from '../../support/whole-life.ts'

afterAll(endProcesses)

describe('a PostgreSQL with other defaults', () => {
  it.each([
    ['a time zone that is not UTC', { TimeZone: 'Asia/Kolkata' }],
    ['a time zone west of UTC', { TimeZone: 'America/St_Johns' }],
    ['transactions that are repeatable read', { default_transaction_isolation: 'repeatable read' }],
    ['transactions that are serializable', { default_transaction_isolation: 'serializable' }],
    [
      'other forms of values',
      {
        DateStyle: 'SQL, DMY',
        IntervalStyle: 'sql_standard',
        bytea_output: 'escape',
        client_encoding: 'LATIN1',
        standard_conforming_strings: 'off',
        extra_float_digits: '-15',
      },
    ],
    [
      'other rules',
      { row_security: 'off', transform_null_equals: 'on', session_replication_role: 'replica', jit_above_cost: '0' },
    ],
  ])('serves a whole life with %s', async (_what, defaults) => {
    const url = await freshDatabase()
    await setDefaults(url, defaults)
    await withServer({ DATABASE_URL: url }, (server) => liveWholeLife(server, url))
  })

  it.each([
    ['Postgres, MDY', 'Pacific/Apia'],
    ['German, DMY', 'Asia/Kathmandu'],
  ])(
    'serves a whole life with dates as %s in %s, for the role and for the role in the database',
    async (style, zone) => {
      const { url, adminUrl, name } = await givenOwnRole()
      const database = new URL(url).pathname.slice(1)
      await runSql(
        adminUrl,
        `ALTER ROLE ${name} SET DateStyle TO '${style}'; ALTER ROLE ${name} SET client_encoding TO 'SQL_ASCII';
       ALTER ROLE ${name} IN DATABASE ${database} SET TimeZone TO '${zone}'`,
      )
      const inOwnSchema = `${url}?schema=own`
      await applyMigrations({ url: inOwnSchema })
      await withServer({ DATABASE_URL: inOwnSchema }, (server) => liveWholeLife(server, adminUrl, 'own'))
    },
  )

  it('serves a whole life with the DateStyle and TimeZone of the address', async () => {
    const url = await freshDatabase()
    const address = `${url}?options=-c%20DateStyle%3DGerman%20-c%20TimeZone%3DAsia/Tokyo&client_encoding=LATIN1`
    await withServer({ DATABASE_URL: address }, (server) => liveWholeLife(server, url))
  })

  it('keeps mails of all scripts whatever the encoding of clients is', async () => {
    const url = await freshDatabase()
    await setDefaults(url, { client_encoding: 'LATIN1' })
    await withServer({ DATABASE_URL: url }, async ({ database: { db } }) => {
      const data = {
        recipient: 'ada@example.com',
        subject: "Ада 愛達 é \\ '",
        text: '',
        html: '',
        createdAt: new Date(),
      }
      expect((await db.mailboxMail.create({ data })).subject).toBe(data.subject)
      expect(
        await runSql(
          url,
          `SELECT subject FROM mailbox_mails WHERE subject = U&'\\0410\\0434\\0430 \\611B\\9054 \\00E9 \\005C '''`,
        ),
      ).toHaveLength(1)
    })
  })

  it('limits statements, locks and idle transactions by its own measure', async () => {
    const url = await freshDatabase()
    const limits = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout']
    await setDefaults(url, Object.fromEntries(limits.map((name) => [name, '300ms'])))
    await withServer({ DATABASE_URL: url }, async ({ database: { db } }) => {
      const rows = await db.$queryRaw`SELECT name, setting FROM pg_settings WHERE name = ANY(${limits}) ORDER BY name`
      expect(rows).toEqual([
        { name: 'idle_in_transaction_session_timeout', setting: '20000' },
        { name: 'lock_timeout', setting: '3000' },
        { name: 'statement_timeout', setting: '4000' },
        { name: 'transaction_timeout', setting: '0' },
      ])
    })
  })

  it('leaves a database read-only that is so by default, and starts on it', async () => {
    const url = await freshDatabase()
    await setDefaults(url, { default_transaction_read_only: 'on' })
    expect(await applyMigrations({ url })).toEqual([])
    await withServer({ DATABASE_URL: url }, async ({ url: site, database }) => {
      expect((await exchange(site, '/readyz')).status).toBe(503)
      await expect(database.db.user.deleteMany()).rejects.toThrow(/read-only/)
    })
  })
})

describe('a database that cannot keep what users write', () => {
  it.each(['LATIN1', 'SQL_ASCII', 'EUC_JP'])('is refused at the start: %s', async (encoding) => {
    const url = await emptyDatabase()
    const admin = new URL(url)
    const name = `${admin.pathname.slice(1)}_${encoding.toLowerCase()}`
    await runSql(
      url,
      `CREATE DATABASE ${name} ENCODING '${encoding}' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    )
    admin.pathname = name
    const [, statement = ''] =
      /Make one with: (.*)$/.exec(
        await applyMigrations({ url: admin.href }).then(String, (error) => {
          expect(error).toMatchObject({ name: 'StartError' })
          expect(error.message).toMatch(new RegExp(`^The database has the encoding ${encoding}, .* UTF8`))
          return error.message
        }),
      ) ?? []
    expect(await runSql(admin.href, `SELECT FROM pg_class WHERE relname = 'users'`)).toEqual([])

    // The remedy of the message makes one that can be used.
    const better = `${name}_better`
    await runSql(url, statement.replace('auth', better))
    admin.pathname = better
    expect(await applyMigrations({ url: admin.href })).not.toEqual([])
  })

  it('is refused by the process and by npm run migrate', async () => {
    const url = await emptyDatabase()
    const name = `${new URL(url).pathname.slice(1)}_latin9`
    await runSql(
      url,
      `CREATE DATABASE ${name} ENCODING 'LATIN9' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
    )
    const DATABASE_URL = url.replace(/[^/]+$/, name)
    for (const [args, code] of [
      [[], 1],
      [['migrate'], 2],
    ] as const) {
      const server = startProcess({ ...processKey, DATABASE_URL }, { args })
      expect(await server.exit).toBe(code)
      expect(server.stderr()).toMatch(/^The database has the encoding LATIN9, .*CREATE DATABASE .*\n$/)
    }
  })

  // The version of PostgreSQL cannot be changed, but a schema may come before its own functions.
  it('is refused where PostgreSQL is older than the server knows', async () => {
    const { url, adminUrl, name } = await givenOwnRole()
    await runSql(
      adminUrl,
      `CREATE SCHEMA old; GRANT USAGE ON SCHEMA old TO ${name};
       CREATE FUNCTION old.current_setting(text) RETURNS text LANGUAGE sql AS $$
         SELECT CASE $1 WHEN 'server_version_num' THEN '130022' ELSE pg_catalog.current_setting($1) END $$;
       ALTER ROLE ${name} SET search_path TO old, pg_catalog, public`,
    )
    await expect(applyMigrations({ url })).rejects.toThrow(
      /^The database is a PostgreSQL 13\. This server needs PostgreSQL 14 or newer$/,
    )
  })
})

describe('a schema that is not public', () => {
  it.each([
    ['the role has a schema of its name', 'CREATE SCHEMA AUTHORIZATION :role', ':role', ''],
    [
      'the role has another search_path',
      'CREATE SCHEMA "Own"; ALTER ROLE :role SET search_path TO nowhere, "Own", public',
      'Own',
      '',
    ],
    [
      'the database has another search_path',
      'CREATE SCHEMA own; ALTER DATABASE :database SET search_path TO own, public',
      'own',
      '',
    ],
    ['the address has a search_path', 'CREATE SCHEMA own', 'own', '?options=-c search_path=own'],
    ['the address has an encoded search_path', 'CREATE SCHEMA own', 'own', '?options=-c%20search_path%3Down%2Cpublic'],
    ["the address has Prisma's parameter", 'CREATE SCHEMA "some one\'s"', "some one's", '?schema=some%20one%27s'],
    ["the address has Prisma's parameter and the schema is not there", '', 'own', '?schema=own'],
  ])('is used for everything where %s', async (_where, preparation, schemaName, addition) => {
    const { url, adminUrl, name } = await givenOwnRole()
    const fill = (text: string) =>
      text.replaceAll(':role', name).replaceAll(':database', new URL(url).pathname.slice(1))
    const schema = fill(schemaName)
    await runSql(adminUrl, fill(preparation))
    if (preparation) await runSql(adminUrl, `GRANT ALL ON SCHEMA "${schema}" TO ${name}`)
    const databaseUrl = `${url}${addition}`

    expect(await applyMigrations({ url: databaseUrl })).not.toEqual([])
    await withServer({ DATABASE_URL: databaseUrl }, async (server) => {
      expect((await exchange(server.url, '/readyz')).body).toEqual({ status: 'ready' })
      await liveWholeLife(server, adminUrl, schema)
    })
    const inPublic = `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname`
    expect(await runSql(adminUrl, inPublic)).toEqual([{ relname: '_prisma_migrations' }, { relname: 'users' }])
  })

  it('is not left by connections that are opened after another schema has come first in the search_path', async () => {
    const { url, adminUrl, name } = await givenOwnRole()
    await runSql(
      adminUrl,
      `CREATE SCHEMA own; GRANT ALL ON SCHEMA own TO ${name}; ALTER ROLE ${name} SET search_path TO "$user", own`,
    )
    await applyMigrations({ url })
    const server = await startServer({ DATABASE_URL: url })
    try {
      await server.database.db.user.count()
      await runSql(adminUrl, `CREATE SCHEMA AUTHORIZATION ${name}`)
      await liveWholeLife(server, adminUrl, 'own')
    } finally {
      await server.close()
    }
  })

  it('has to exist', async () => {
    const { url, adminUrl, name } = await givenOwnRole()
    await runSql(adminUrl, `ALTER ROLE ${name} SET search_path TO nowhere`)
    await expect(applyMigrations({ url })).rejects.toThrow(/names no schema that exists.*\?schema=/)
  })
})

it('is not ready where the tables are gone, although the migrations are recorded', async () => {
  const url = await freshDatabase()
  await withServer({ DATABASE_URL: url }, async (server) => {
    await runSql(url, 'ALTER TABLE users RENAME TO gone')
    expect((await exchange(server.url, '/readyz')).status).toBe(503)
  })
})
