import { Client } from 'pg'
import { runSql } from '../support/catalog.ts'
import { eventsOf, refusalOfCommand } from '../support/command.ts'
import { djangoUser, givenDjangoDatabase, importDjango, insertRows } from '../support/django-database.ts'
import { djangoHashes } from '../support/django-hashes.ts'
import { givenUser } from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const rowsHere = (sql: string) => runSql<Record<string, unknown>>(server.settings.DATABASE_URL ?? '', sql)

async function givenUserAtDjango() {
  const django = await givenDjangoDatabase()
  const user = djangoUser()
  await insertRows(django, [user])
  return { django, user }
}

/** Runs the command while a transaction with these statements is open, which ends once the command waits for it, or has ended. */
async function during<Result>(statements: readonly string[], command: () => Promise<Result>): Promise<Result> {
  const holder = new Client({ connectionString: server.settings.DATABASE_URL })
  await holder.connect()
  try {
    await holder.query(['BEGIN', ...statements].join(';'))
    let hasEnded = false
    const ended = command().finally(() => {
      hasEnded = true
    })
    // A failure is thrown by the wait for it below.
    ended.catch(() => undefined)
    const waiting = `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'import' AND wait_event_type = 'Lock'`
    while (!hasEnded && (await rowsHere(waiting)).length === 0);
    await holder.query('COMMIT')
    return await ended
  } finally {
    await holder.end()
  }
}

describe('import django, while others change users', () => {
  it('keeps a password that is changed, and a user out who is disabled, before the import writes', async () => {
    const { django, user } = await givenUserAtDjango()
    await importDjango(server, django.url)
    await django.run(
      `UPDATE auth_user SET password = '${djangoHashes.Argon2i}', first_name = 'Ada' WHERE id = ${user.id}`,
    )
    const changes = [
      `UPDATE passwords SET version = version + 1 WHERE user_id = ${user.id}`,
      `UPDATE users SET disabled_at = now() WHERE id = ${user.id}`,
    ]
    expect(await during(changes, () => importDjango(server, django.url))).toMatchObject({ code: 0 })
    const [row] = await rowsHere(`SELECT * FROM users JOIN passwords ON user_id = users.id WHERE users.id = ${user.id}`)
    expect(row).toMatchObject({
      first_name: 'Ada',
      hash: djangoHashes.bcrypt,
      disabled_at: expect.any(Date),
      session_epoch: 0,
    })
    expect((await eventsOf(server, Number(user.id))).map(({ type }) => type)).not.toContain('imported_password_updated')
  })

  it('takes nothing where another user takes the username meanwhile, and says so', async () => {
    const { django, user } = await givenUserAtDjango()
    const { id } = await givenUser(server)
    const rename = `UPDATE users SET username = '${user.username}', username_key = '${user.username}' WHERE id = ${id}`
    const refusal = await during([rename], () => refusalOfCommand(server, ['import', 'django', '--from', django.url]))
    expect(refusal).toMatch(/^Nothing is taken over, as a user has .* meanwhile .*: run it again\n$/)
    expect(await rowsHere(`SELECT id FROM users WHERE id = ${user.id}`)).toEqual([])
  })

  it('refuses to run beside another import', async () => {
    const { django } = await givenUserAtDjango()
    const lock = 'SELECT pg_advisory_xact_lock(72707371)'
    const refusal = await during([lock], () => refusalOfCommand(server, ['import', 'django', '--from', django.url]))
    expect(refusal).toBe('Another import runs: run this one again when that has ended\n')
  })
})
