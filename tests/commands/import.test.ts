import { runSql } from '../support/catalog.ts'
import { eventsOf, operate, refusalOfCommand, runCommand } from '../support/command.ts'
import { djangoUser, givenDjangoDatabase, importDjango, insertRows, loginStatus } from '../support/django-database.ts'
import { djangoHashes, djangoPassword } from '../support/django-hashes.ts'
import { givenUser } from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const rowsHere = (sql: string) => runSql<Record<string, unknown>>(server.settings.DATABASE_URL ?? '', sql)

describe('import django', () => {
  it('takes the users of a database with their ids, and they log in with the password that they have', async () => {
    const django = await givenDjangoDatabase()
    const ada = djangoUser({
      first_name: 'Ada',
      last_name: 'Lovelace',
      email: `A${Date.now()}@Example.com`,
      is_staff: true,
      date_joined: '2020-02-03T04:05:06Z',
    })
    const grace = djangoUser({ password: djangoHashes['bcrypt of SHA-256'] })
    await insertRows(django, [ada, grace])

    expect(await importDjango(server, django.url)).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^taken over +2$/m),
      stderr: '',
    })
    const login = await server.send('POST', '/login_credentials', {
      body: { username: ada.username, password: djangoPassword },
    })
    expect(login.status).toBe(200)
    expect(login.body.user).toMatchObject({
      id: ada.id,
      username: ada.username,
      email: String(ada.email).toLowerCase(),
      email_verified: true,
      full_name: 'Ada Lovelace',
      is_staff: true,
      is_superuser: false,
      date_joined: '2020-02-03T04:05:06.000Z',
    })
    expect(await loginStatus(server, grace.email)).toBe(200)
    expect(await loginStatus(server, grace.username, 'a wrong password')).toBe(401)
  })

  it('keeps ids of up to 53 bits, with which all the rest works', async () => {
    const django = await givenDjangoDatabase()
    await django.run('ALTER TABLE auth_user ALTER id TYPE bigint')
    const [large, largest, beyond] = [5_000_000_000, 9_007_199_000_000_000, '9007199254740993'].map((id) =>
      djangoUser({ id }),
    )
    await insertRows(
      django,
      [large, largest, beyond].filter((user) => user !== undefined),
    )
    // In a database of its own, as the ids of new users follow the largest.
    const other = await startServer()
    try {
      const { code, stdout } = await importDjango(other, django.url, '--on-conflict', 'skip')
      expect([code, stdout]).toEqual([
        3,
        expect.stringMatching(/^9007199254740993 .* the id is empty, negative or larger/m),
      ])
      const body = { username: largest?.username, password: djangoPassword }
      const { body: session } = await other.send('POST', '/login_credentials', { body })
      expect(session.user.id).toBe(9_007_199_000_000_000)
      const { access_token: token, refresh_token } = session
      expect((await other.send('GET', '/profile', { token })).body.id).toBe(session.user.id)
      const rotated = await other.send('POST', '/access_token', { body: { refresh_token } })
      expect(rotated.status).toBe(200)
      expect(
        (await other.send('POST', '/logout', { body: { refresh_token: rotated.body.refresh_token } })).status,
      ).toBe(200)
      expect((await other.send('POST', '/login_credentials', { body: { ...body, password: 'wrong' } })).status).toBe(
        401,
      )
      expect(await operate(other, 'users', 'show', 'id:5000000000')).toMatch(
        new RegExp(`^username +${large?.username}$`, 'm'),
      )
      expect((await givenUser(other)).id).toBe(9_007_199_001_000_001)
    } finally {
      await other.close()
    }
  })

  it('numbers new users a million behind the largest id of Django, also of one who is left out, and never goes back', async () => {
    const django = await givenDjangoDatabase()
    const { id } = djangoUser()
    await insertRows(django, [djangoUser(), djangoUser({ id: Number(id) + 500, email: '' })])
    // In a database of its own, as other tests number users there too.
    const other = await startServer()
    try {
      await importDjango(other, django.url, '--on-conflict', 'skip')
      const first = await givenUser(other)
      expect(first.id).toBe(Number(id) + 1_000_501)
      await django.run(`DELETE FROM auth_user WHERE id = ${Number(id) + 500}`)
      expect(await importDjango(other, django.url)).toMatchObject({ code: 0 })
      expect((await givenUser(other)).id).toBe(first.id + 1)
    } finally {
      await other.close()
    }
  })

  it('takes the users of DJANGO_DATABASE_URL, so that no password is in the list of processes', async () => {
    const django = await givenDjangoDatabase()
    await insertRows(django, [djangoUser()])
    const settings = { ...server.settings, DJANGO_SECRET_KEY: 'django-insecure-abc', DJANGO_DATABASE_URL: django.url }
    expect(await runCommand(settings, ['import', 'django'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^taken over +1$/m),
    })
    expect(await refusalOfCommand(server, ['import', 'django'])).toMatch(/with --from, or set DJANGO_DATABASE_URL$/m)
  })

  it('records each user with the name of the operator', async () => {
    const django = await givenDjangoDatabase()
    const user = djangoUser()
    await insertRows(django, [user])
    await importDjango(server, django.url, '--as', 'grace')
    expect(await eventsOf(server, Number(user.id))).toEqual([{ type: 'user_imported', details: { operator: 'grace' } }])
  })

  it('never takes a user here for one of Django as their ids are equal', async () => {
    const django = await givenDjangoDatabase()
    const native = await givenUser(server)
    await insertRows(django, [djangoUser({ id: native.id })])
    expect((await importDjango(server, django.url)).stdout).toMatch(/the id is that of another user here/)
    expect(await rowsHere(`SELECT username FROM users WHERE id = ${native.id}`)).toEqual([
      { username: native.username },
    ])
  })

  it.each([
    ['mysql://127.0.0.1/django', '--from needs the address of a database'],
    ['postgresql://127.0.0.1:9/django', 'The database of Django cannot be read'],
  ])('refuses %s in one sentence', async (from, sentence) => {
    expect(await refusalOfCommand(server, ['import', 'django', '--from', from])).toMatch(sentence)
  })

  it('names the table or column that it misses, and the option that helps', async () => {
    const django = await givenDjangoDatabase(
      'CREATE TABLE people (id int PRIMARY KEY, password text, last_login timestamptz, mail text)',
    )
    await django.run("INSERT INTO people VALUES (1, 'x', NULL, 'ada@example.com')")
    const refusal = (...args: string[]) => refusalOfCommand(server, ['import', 'django', '--from', django.url, ...args])
    expect(await refusal('--table', 'accounts_user')).toMatch(
      /has no table accounts_user: name another one with --table/,
    )
    expect(await refusal()).toMatch(/The table people has no column for email: name one with --map email=COLUMN/)
    expect(await refusal('--map', 'email=e_mail')).toMatch(
      /has no column e_mail: name another one with --map email=COLUMN/,
    )
    expect(await refusal('--map', 'mail=mail')).toMatch(
      /--map mail=… names no field of a user: the fields are id, uuid,/,
    )
    await django.run('ALTER TABLE people DROP COLUMN last_login')
    expect(await refusal()).toMatch(
      /no table with the columns password and last_login: name the one of users with --table/,
    )
  })

  it('remembers by the id at Django who was imported', async () => {
    const django = await givenDjangoDatabase()
    const user = djangoUser()
    await insertRows(django, [user])
    await importDjango(server, django.url)
    expect(await rowsHere(`SELECT user_id::float8 FROM django_users WHERE django_id = '${user.id}'`)).toEqual([
      { user_id: user.id },
    ])
  })
})
