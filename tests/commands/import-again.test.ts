import { runSql } from '../support/catalog.ts'
import { eventsOf, operate } from '../support/command.ts'
import type { DjangoDatabase } from '../support/django-database.ts'
import { djangoUser, givenDjangoDatabase, importDjango, insertRows, loginStatus } from '../support/django-database.ts'
import { djangoHashes, djangoPassword } from '../support/django-hashes.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

type Row = Readonly<Record<string, unknown>>

/** Of another password than that of the others. */
const newHash = 'bcrypt$$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q'
const newPassword = 'x'.repeat(72)

async function givenImported(columns: Row = {}): Promise<{ django: DjangoDatabase; user: Row }> {
  const django = await givenDjangoDatabase()
  const user = djangoUser(columns)
  await insertRows(django, [user])
  await importDjango(server, django.url)
  return { django, user }
}

async function importAgain(django: DjangoDatabase, ...args: readonly string[]) {
  const { stdout, stderr } = await importDjango(server, django.url, '--json', ...args)
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

async function logIn(user: Row, password = djangoPassword) {
  return (await server.send('POST', '/login_credentials', { body: { username: user.username, password } })).body
}

const rowsHere = (sql: string) => runSql<Record<string, unknown>>(server.settings.DATABASE_URL ?? '', sql)
const columnsOf = async ({ id }: Row) => (await rowsHere(`SELECT * FROM users WHERE id = ${id}`))[0]

describe('import django, run again', () => {
  it('changes nothing while nothing has changed at Django', async () => {
    const { django, user } = await givenImported({ last_name: 'Hopper' })
    const before = await columnsOf(user)
    expect(await importAgain(django)).toMatchObject({ taken: 0, updated: 0, unchanged: 1, left_out: 0 })
    expect(await columnsOf(user)).toEqual(before)
    expect((await eventsOf(server, Number(user.id))).map(({ type }) => type)).toEqual(['user_imported'])
  })

  it('takes the users who are new, and what has changed of the others', async () => {
    const { django, user } = await givenImported()
    const added = djangoUser()
    await insertRows(django, [added])
    await django.run(
      `UPDATE auth_user SET first_name = 'Grace', email = 'n${user.id}@example.com', is_staff = true WHERE id = ${user.id}`,
    )
    expect(await importAgain(django)).toMatchObject({ taken: 1, updated: 1, unchanged: 0 })
    expect(await columnsOf(user)).toMatchObject({
      first_name: 'Grace',
      email: `n${user.id}@example.com`,
      is_staff: true,
    })
    expect(await loginStatus(server, added.username)).toBe(200)
  })

  it('leaves what users have changed here, and takes the rest', async () => {
    const { django, user } = await givenImported({ first_name: 'Ada' })
    const { access_token: token } = await logIn(user)
    await server.send('PATCH', '/profile', { token, body: { first_name: 'Augusta' } })
    await django.run(`UPDATE auth_user SET first_name = 'A.', last_name = 'King' WHERE id = ${user.id}`)
    await importAgain(django)
    expect(await columnsOf(user)).toMatchObject({ first_name: 'Augusta', last_name: 'King' })
  })

  it('takes a password that is new at Django, which ends the sessions of the old one', async () => {
    const { django, user } = await givenImported()
    await django.run(`UPDATE auth_user SET password = '${newHash}' WHERE id = ${user.id}`)
    expect(await importAgain(django)).toMatchObject({ updated: 1 })
    expect(await loginStatus(server, user.username)).toBe(401)
    expect(await loginStatus(server, user.username, newPassword)).toBe(200)
    expect((await eventsOf(server, Number(user.id))).map(({ type }) => type)).toContain('imported_password_updated')
  })

  it('revives no token of Django that a disabled user had, and counts every import as the last one', async () => {
    const { django, user } = await givenImported()
    const lastImport = async () => (await rowsHere(`SELECT taken_at FROM django_users WHERE user_id = ${user.id}`))[0]
    await rowsHere(`UPDATE django_users SET taken_at = '2020-01-01' WHERE user_id = ${user.id}`)
    const before = await lastImport()
    await operate(server, 'users', 'disable', String(user.username))
    const ended = (await columnsOf(user))?.epoch_began_at
    await operate(server, 'users', 'enable', String(user.username))
    await django.run(`UPDATE auth_user SET password = '${newHash}' WHERE id = ${user.id}`)
    expect(await importAgain(django)).toMatchObject({ updated: 1 })
    expect((await columnsOf(user))?.epoch_began_at).toEqual(ended)
    const then = await lastImport()
    expect(then).not.toEqual(before)
    expect(await importAgain(django)).toMatchObject({ updated: 0, unchanged: 1 })
    expect(await lastImport()).not.toEqual(then)
  })

  it.each([
    ['used here', async (user: Row) => void (await logIn(user)), djangoPassword],
    [
      'changed here',
      async (user: Row) => {
        const { access_token: token } = await logIn(user)
        const body = { current_password: djangoPassword, new_password: 'chosen here and kept' }
        await server.send('POST', '/change_password', { token, body })
      },
      'chosen here and kept',
    ],
  ])('keeps a password that was %s, whatever Django has', async (_, use, password) => {
    const { django, user } = await givenImported()
    await use(user)
    await django.run(`UPDATE auth_user SET password = '${newHash}' WHERE id = ${user.id}`)
    expect(await importAgain(django)).toMatchObject({ updated: 0 })
    expect(await loginStatus(server, user.username, newPassword)).toBe(401)
    expect(await loginStatus(server, user.username, password)).toBe(200)
  })

  it('keeps a user out who is no longer active at Django, at once', async () => {
    const { django, user } = await givenImported()
    const { access_token: token } = await logIn(user)
    await django.run(`UPDATE auth_user SET is_active = false WHERE id = ${user.id}`)
    await importAgain(django)
    expect((await server.send('GET', '/session', { token })).status).toBe(401)
    expect(await loginStatus(server, user.username)).toBe(401)
    await django.run(`UPDATE auth_user SET is_active = true WHERE id = ${user.id}`)
    await importAgain(django)
    expect((await server.send('GET', '/session', { token })).status).toBe(401)
    expect(await loginStatus(server, user.username)).toBe(200)
  })

  it('lets no user in whom an operator has disabled here', async () => {
    const { django, user } = await givenImported()
    await operate(server, 'users', 'disable', String(user.username))
    await importAgain(django)
    expect(await loginStatus(server, user.username)).toBe(401)
  })

  it('never counts a number that was set here as verified, as Django has verified another', async () => {
    const django = await givenDjangoDatabase()
    await django.run('ALTER TABLE auth_user ADD phone_number text, ADD phone_verified boolean')
    const user = djangoUser({ phone_number: '+442079460018', phone_verified: false })
    await insertRows(django, [user])
    await importDjango(server, django.url)
    await rowsHere(`UPDATE users SET phone_number = '+442079460099' WHERE id = ${user.id}`)
    await django.run(`UPDATE auth_user SET phone_verified = true WHERE id = ${user.id}`)
    await importAgain(django)
    expect(await columnsOf(user)).toMatchObject({ phone_number: '+442079460099', phone_number_verified: false })
  })

  it('leaves out a user whose id another user had at the last import', async () => {
    const { user } = await givenImported()
    const django = await givenDjangoDatabase()
    await insertRows(django, [djangoUser({ id: user.id, password: newHash })])
    const { updated, deviations } = await importAgain(django, '--on-conflict', 'rename')
    expect([updated, deviations]).toEqual([0, [expect.objectContaining({ problem: 'id_of_another', left_out: true })]])
    expect(await columnsOf(user)).toMatchObject({ username: user.username, email: user.email })
    expect(await loginStatus(server, user.username)).toBe(200)
  })

  it('keeps the other username that a conflict has led to', async () => {
    const { user: first } = await givenImported()
    const django = await givenDjangoDatabase()
    const second = djangoUser({ username: String(first.username).toUpperCase() })
    await insertRows(django, [second])
    await importAgain(django, '--on-conflict', 'rename')
    expect(await importAgain(django)).toMatchObject({ unchanged: 1, left_out: 0 })
    expect(await columnsOf(second)).toMatchObject({ username: `${second.username}-${second.id}` })
  })

  it('leaves out a new address that is that of another user by now', async () => {
    const { django, user } = await givenImported()
    const { user: other } = await givenImported()
    await django.run(`UPDATE auth_user SET email = '${other.email}' WHERE id = ${user.id}`)
    expect(await importAgain(django, '--on-conflict', 'skip')).toMatchObject({ updated: 0, left_out: 1 })
    expect(await columnsOf(user)).toMatchObject({ email: user.email })
  })

  it('takes nothing for what it had taken, where an unusable hash is replaced by a reset here', async () => {
    const { django, user } = await givenImported({ password: `!${djangoHashes.bcrypt}` })
    expect(await loginStatus(server, user.username)).toBe(401)
    await server.send('POST', '/forgot_password', { body: { email: user.email } })
    const mail = (await server.mails()).findLast(({ recipient }) => recipient === user.email)
    const token = /token=([\w-]{43})/.exec(mail?.text ?? '')?.[1]
    const body = { token, new_password: 'chosen by a reset' }
    expect((await server.send('POST', '/reset_password', { body })).status).toBe(200)
    await importAgain(django)
    expect(await loginStatus(server, user.username, 'chosen by a reset')).toBe(200)
  })
})
