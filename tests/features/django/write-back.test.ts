import { pbkdf2Sync } from 'node:crypto'
import { Client } from 'pg'
import { times } from '../../support/answers.ts'
import { eventsOf, runCommand } from '../../support/command.ts'
import { startDatabaseProxy } from '../../support/database-proxy.ts'
import type { DjangoDatabase } from '../../support/django-database.ts'
import {
  djangoUser,
  givenDjangoDatabase,
  importDjango,
  insertRows,
  loginStatus,
} from '../../support/django-database.ts'
import { djangoHashes, djangoPassword } from '../../support/django-hashes.ts'
import { djangoKey } from '../../support/django-tokens.ts'
import { givenResetToken, givenUser } from '../../support/fixtures.ts'
import { startFollower } from '../../support/follower.ts'
import { endProcesses, until } from '../../support/process.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let django: DjangoDatabase
let server: TestServer
beforeAll(async () => {
  django = await givenDjangoDatabase()
  server = await startServer({
    ...{ DJANGO_SECRET_KEY: djangoKey, DJANGO_DATABASE_URL: django.url, DJANGO_WRITE_PASSWORDS: 'on' },
    ...{ DATABASE_POOL: '20', SESSIONS_PER_USER: '1000' },
  })
})
afterAll(async () => {
  await endProcesses()
  await server.close()
})

type Row = Readonly<Record<string, unknown>>

const newPassword = 'a second good password'

/** An imported user of a Django, each time with the other users that this has by then. */
async function givenImported(columns: Row = {}, of = django) {
  const { id, username, email } = djangoUser()
  const user = { id: Number(id), username: String(username), email: String(email), password: djangoPassword }
  await insertRows(of, [{ id, username, email, password: djangoHashes.bcrypt, ...columns }])
  await importDjango(server, of.url)
  return user
}
type Imported = Awaited<ReturnType<typeof givenImported>>

async function hashAtDjango({ id }: { readonly id: number }, of = django): Promise<string> {
  const [row] = await of.run<{ password: string }>(`SELECT password FROM auth_user WHERE id = ${id}`)
  return row?.password ?? ''
}

/** Whether the hash at Django is of this password, as Django verifies it. */
async function isAtDjango(password: string, user: { readonly id: number }, of = django): Promise<boolean> {
  const [algorithm, iterations, salt = '', hash, ...rest] = (await hashAtDjango(user, of)).split('$')
  expect([algorithm, iterations, rest]).toEqual(['pbkdf2_sha256', '1000000', []])
  return pbkdf2Sync(password, salt, Number(iterations), 32, 'sha256').toString('base64') === hash
}

async function tokenOf({ username }: Imported, on = server, password = djangoPassword): Promise<string> {
  const { body } = await on.send('POST', '/login_credentials', { body: { username, password } })
  return body.access_token
}

async function change(user: Imported, next = newPassword, on = server) {
  const token = await tokenOf(user, on)
  const body = { current_password: djangoPassword, new_password: next }
  return on.send('POST', '/change_password', { token, body })
}

const told = (on: TestServer) => on.logged.filter((line) => line.includes('Django') || line.includes('DJANGO'))

describe('with DJANGO_WRITE_PASSWORDS, Django', () => {
  it.each<[string, (user: Imported) => Promise<unknown>]>([
    ['changes', (user) => change(user)],
    [
      'resets by a mail',
      async (user) => {
        const body = { token: await givenResetToken(server, user), new_password: newPassword }
        expect((await server.send('POST', '/reset_password', { body })).status).toBe(200)
      },
    ],
    [
      'is given by an operator',
      async ({ username }) => {
        const args = ['users', 'reset-password', username, '--password-stdin']
        expect(await runCommand(server.settings, args, newPassword)).toMatchObject({ code: 0 })
      },
    ],
  ])('gets the password that an imported user %s', async (_, set) => {
    const [user, other] = [await givenImported(), await givenImported()]
    await set(user)
    expect(await isAtDjango(newPassword, user)).toBe(true)
    expect(await hashAtDjango(other)).toBe(djangoHashes.bcrypt)
    expect(await loginStatus(server, user.username, newPassword)).toBe(200)
    expect(await loginStatus(server, user.username)).toBe(401)
    const row = await server.database.db.password.findUnique({ where: { userId: user.id } })
    expect(row?.hash).toMatch(/^bcrypt-sha384\$/)
  })

  it('keeps the hash that it has at a login here, and where the setting is off', async () => {
    const user = await givenImported()
    await tokenOf(user)
    expect(await hashAtDjango(user)).toBe(djangoHashes.bcrypt)
    await withServer({ ...server.settings, DJANGO_WRITE_PASSWORDS: 'off' }, async (other) => {
      expect((await change(user, newPassword, other)).status).toBe(200)
    })
    expect(await hashAtDjango(user)).toBe(djangoHashes.bcrypt)
  })

  it('is not asked about a user who was not imported, whatever the id', async () => {
    const proxy = await startDatabaseProxy(django.url)
    try {
      await withServer({ ...server.settings, DJANGO_DATABASE_URL: proxy.url }, async (other) => {
        const { id, username, email, password, access_token: token } = await givenUser(other)
        await insertRows(django, [{ id, username, email, password: djangoHashes.bcrypt }])
        const body = { current_password: password, new_password: newPassword }
        expect((await other.send('POST', '/change_password', { token, body })).status).toBe(200)
        expect([proxy.executed(), await hashAtDjango({ id })]).toEqual([0, djangoHashes.bcrypt])
      })
    } finally {
      await proxy.cut()
      await django.run("DELETE FROM auth_user WHERE username LIKE 'p%'")
    }
  })

  it('gets no password for another user who has that key there, whose names the user takes here, nor for one who is not there', async () => {
    const [user, gone] = [await givenImported(), await givenImported()]
    const others = { username: `o${user.id}`, email: `o${user.id}@example.com` }
    await django.run(
      `UPDATE auth_user SET username = '${others.username}', email = '${others.email}' WHERE id = ${user.id}`,
    )
    await server.database.db.user.update({
      where: { id: user.id },
      data: { ...others, usernameKey: others.username },
    })
    Object.assign(user, others)
    await django.run(`DELETE FROM auth_user WHERE id = ${gone.id}`)
    for (const each of [user, gone]) expect((await change(each)).status).toBe(200)
    expect(await hashAtDjango(user)).toBe(djangoHashes.bcrypt)
    expect(told(server)).toEqual(
      [user, gone].map(({ id }) => expect.stringMatching(new RegExp(`Django has no such user.*"djangoId":"${id}"`))),
    )
    await django.run(`DELETE FROM auth_user WHERE id = ${user.id}`)
  })

  it('gets no password for another user who has that key there, as a name is what a flag says', async () => {
    const user = await givenImported({ username: 'true' })
    const others = `username = 'o${user.id}', email = 'o${user.id}@example.com'`
    await django.run(`UPDATE auth_user SET ${others} WHERE id = ${user.id}`)
    expect((await change({ ...user, username: 'true' })).status).toBe(200)
    expect(await hashAtDjango(user)).toBe(djangoHashes.bcrypt)
    await django.run(`DELETE FROM auth_user WHERE id = ${user.id}`)
  })

  it('that knows the user by one of the names only gets the password', async () => {
    const [renamed, moved] = [await givenImported(), await givenImported()]
    await django.run(`UPDATE auth_user SET username = 'n${renamed.id}' WHERE id = ${renamed.id}`)
    await django.run(`UPDATE auth_user SET email = 'M${moved.id}@Example.com' WHERE id = ${moved.id}`)
    for (const each of [renamed, moved]) {
      expect((await change(each)).status).toBe(200)
      expect(await isAtDjango(newPassword, each)).toBe(true)
    }
  })

  it('that cannot be asked keeps a change from happening: 503, and the same again works later', async () => {
    const proxy = await startDatabaseProxy(django.url)
    try {
      await withServer({ ...server.settings, DJANGO_DATABASE_URL: proxy.url }, async (other) => {
        const user = await givenImported()
        const reset = { token: await givenResetToken(server, user), new_password: 'a third good password' }
        await proxy.cut()
        const answers = [
          await change(user, newPassword, other),
          await other.send('POST', '/reset_password', { body: reset }),
        ]
        for (const { status, headers, body } of answers) {
          expect([status, headers['retry-after'], body.code]).toEqual([503, '5', 'database_unavailable'])
        }
        expect(await loginStatus(server, user.username)).toBe(200)
        await proxy.mend()
        expect((await other.send('POST', '/reset_password', { body: reset })).status).toBe(200)
        expect(await isAtDjango(reset.new_password, user)).toBe(true)
        expect(told(other)).toEqual([expect.stringContaining('answered 503'), expect.stringContaining('answers again')])
      })
    } finally {
      await proxy.cut()
    }
  })

  it('is left without a waiting statement by a change that is given up, as the row is locked there', async () => {
    const user = await givenImported()
    const holder = new Client({ connectionString: django.url })
    await holder.connect()
    try {
      await holder.query(`BEGIN; SELECT FROM auth_user WHERE id = ${user.id} FOR UPDATE`)
      expect((await change(user)).status).toBe(503)
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await until(async () => (await django.run(waiting)).length === 0, 30_000)
    } finally {
      await holder.end()
    }
    expect((await change(user)).status).toBe(200)
    expect(await isAtDjango(newPassword, user)).toBe(true)
  })

  it('has the password before where the change fails here', async () => {
    const user = await givenImported()
    const { db } = server.database
    await db.$executeRawUnsafe(
      `ALTER TABLE events ADD CONSTRAINT never CHECK (type <> 'password_changed' OR user_id <> ${user.id})`,
    )
    expect((await change(user)).status).toBe(500)
    await db.$executeRawUnsafe('ALTER TABLE events DROP CONSTRAINT never')
    expect(await hashAtDjango(user)).toBe(djangoHashes.bcrypt)
    expect(await loginStatus(server, user.username)).toBe(200)
  })

  it('may miss a change whose commit it loses, and the log says so', async () => {
    const proxy = await startDatabaseProxy(django.url)
    try {
      await withServer({ ...server.settings, DJANGO_DATABASE_URL: proxy.url }, async (other) => {
        const user = await givenImported()
        // BEGIN, the table of users, UPDATE, COMMIT.
        const commit = proxy.breakStatement(3, ({ reset }) => {
          reset()
          return 'drop'
        })
        expect((await change(user, newPassword, other)).status).toBe(200)
        expect(commit.happened()).toBe(true)
        expect(await loginStatus(server, user.username, newPassword)).toBe(200)
        expect(await hashAtDjango(user)).toBe(djangoHashes.bcrypt)
        expect(told(other)).toEqual([expect.stringContaining('Django may not know of a password')])
      })
    } finally {
      await proxy.cut()
    }
  })

  it('ends with the password that is the last one here, however many are set at once', async () => {
    const user = await givenImported()
    const passwords = ['the first of four', 'the second of four', 'the third of four', 'the fourth of four']
    await Promise.all(
      passwords.map((next) =>
        runCommand(server.settings, ['users', 'reset-password', user.username, '--password-stdin'], next),
      ),
    )
    const here = await Promise.all(passwords.map((next) => loginStatus(server, user.username, next)))
    const last = passwords[here.indexOf(200)] ?? ''
    expect(await isAtDjango(last, user)).toBe(true)
  })

  it('gets the second of two passwords after the first, also when the first waits for its commit here', async () => {
    const user = await givenImported()
    const token = await givenResetToken(server, user)
    const holder = new Client({ connectionString: server.settings.DATABASE_URL })
    await holder.connect()
    try {
      await holder.query(`BEGIN; SELECT FROM passwords WHERE user_id = ${user.id} FOR UPDATE`)
      const first = server.send('POST', '/reset_password', { body: { token, new_password: 'the first of two' } })
      const firstSent = first.then(({ status }) => status)
      const written = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`
      await until(async () => (await django.run(written)).length > 0, 30_000)
      // Django does not show it before it is true here.
      expect(await hashAtDjango(user)).toBe(djangoHashes.bcrypt)
      const second = runCommand(
        server.settings,
        ['users', 'reset-password', user.username, '--password-stdin'],
        'the second of two',
      )
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await until(async () => (await django.run(waiting)).length > 0, 30_000)
      await holder.query('COMMIT')
      expect([await firstSent, (await second).code]).toEqual([200, 0])
    } finally {
      await holder.end()
    }
    expect(await loginStatus(server, user.username, 'the second of two')).toBe(200)
    expect(await isAtDjango('the second of two', user)).toBe(true)
  })

  it('is not taken for having another password by an import that follows it', async () => {
    const user = await givenImported()
    const follower = startFollower(server, django.url)
    try {
      await follower.told(({ dry_run }) => dry_run === false)
      expect((await change(user)).status).toBe(200)
      await insertRows(django, [djangoUser()])
      await follower.told(({ taken, at }) => taken === 1 && at !== undefined)
    } finally {
      follower.end()
    }
    expect(await follower.exit).toBe(0)
    expect(await importDjango(server, django.url)).toMatchObject({ code: 0 })
    expect(follower.lines().map(({ updated }) => updated)).toEqual([0, 0])
    expect((await eventsOf(server, user.id)).map(({ type }) => type)).not.toContain('imported_password_updated')
    expect(await loginStatus(server, user.username, newPassword)).toBe(200)
    expect(await isAtDjango(newPassword, user)).toBe(true)
  })

  it('has a password that was changed here while the import writes, and that stays here', async () => {
    const users = await times(3, () => givenImported())
    for (const { id } of users) {
      await django.run(`UPDATE auth_user SET password = '${djangoHashes.Argon2i}' WHERE id = ${id}`)
    }
    const tokens = await Promise.all(users.map((user) => givenResetToken(server, user)))
    const [imported] = await Promise.all([
      importDjango(server, django.url),
      ...tokens.map((token) => server.send('POST', '/reset_password', { body: { token, new_password: newPassword } })),
    ])
    expect(imported).toMatchObject({ code: 0 })
    for (const user of users) {
      expect(await loginStatus(server, user.username, newPassword)).toBe(200)
      expect(await isAtDjango(newPassword, user)).toBe(true)
    }
  })

  it('may have another table of users, with a UUID for a key, in a schema that the address names', async () => {
    const other = await givenDjangoDatabase(`
      CREATE SCHEMA theirs; SET search_path = theirs;
      CREATE TABLE old_user (id integer, password text, last_login timestamptz);
      CREATE TABLE people (id uuid PRIMARY KEY, username text, email text, password text, last_login timestamptz)`)
    const { username, email } = djangoUser()
    const id = '0b1c2d3e-4f50-4617-8a9b-0c1d2e3f4a5b'
    const columns = { id, username, email, password: djangoHashes.bcrypt }
    await insertRows(other, [columns], 'theirs.people')
    const settings = { ...server.settings, DJANGO_DATABASE_URL: `${other.url}?schema=theirs` }
    const named = { ...settings, DJANGO_USER_TABLE: 'people' }
    expect(await runCommand(settings, ['import', 'django'])).toMatchObject({ code: 2 })
    expect(await runCommand(named, ['import', 'django'])).toMatchObject({ code: 0 })
    const user = { id: 0, username: String(username), email: String(email), password: djangoPassword }
    await withServer(settings, async (unnamed) => {
      expect((await change(user, newPassword, unnamed)).status).toBe(503)
      expect(told(unnamed)).toEqual([expect.stringContaining('Several tables may be that of users (old_user, people)')])
    })
    await withServer(named, async (right) => {
      expect((await change(user, newPassword, right)).status).toBe(200)
    })
    const [row] = await other.run<{ password: string }>('SELECT password FROM theirs.people')
    expect(row?.password).toMatch(/^pbkdf2_sha256\$/)
  })

  it('is examined by the doctor', async () => {
    const { DJANGO_DATABASE_URL = '' } = server.settings
    const findingsOf = async (url: string) => {
      const { stdout } = await runCommand({ ...server.settings, DJANGO_DATABASE_URL: url }, ['doctor', '--json'])
      return (JSON.parse(stdout) as { check: string }[]).filter(({ check }) => check === 'Django')
    }
    const state = { check: 'Django', state: 'ok', finding: 'passwords can be written to the table auth_user' }
    expect(await findingsOf(DJANGO_DATABASE_URL)).toEqual([state])
    const reader = new URL(DJANGO_DATABASE_URL)
    reader.username = 'django_reader'
    reader.password = 'secret'
    await django.run(`DROP ROLE IF EXISTS django_reader; CREATE ROLE django_reader LOGIN PASSWORD 'secret'`)
    await django.run('GRANT SELECT ON auth_user TO django_reader')
    try {
      const finding = expect.stringContaining('GRANT SELECT, UPDATE (password) ON auth_user to the role')
      expect(await findingsOf(reader.href)).toEqual([{ check: 'Django', state: 'failed', finding }])
    } finally {
      await django.run('REVOKE ALL ON auth_user FROM django_reader; DROP ROLE django_reader')
    }
    const nowhere = new URL(DJANGO_DATABASE_URL)
    nowhere.port = '1'
    expect(await findingsOf(nowhere.href)).toEqual([
      { check: 'Django', state: 'failed', finding: expect.stringContaining('cannot be asked') },
    ])
  })
})
