import { runSql } from '../support/catalog.ts'
import { catchUp, operate, refusalOfCommand } from '../support/command.ts'
import { givenUser } from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const sql = <Row extends object>(text: string) => runSql<Row>(server.settings.DATABASE_URL ?? '', text)

/** The verification mail of a new user, which was given up. */
async function givenAbandonedMail(): Promise<{ id: string; email: string }> {
  const { email } = await givenUser(server)
  const [row] = await sql<{ id: string }>(
    `UPDATE outbox_mails SET status = 'abandoned', finished_at = now(), attempts = 3, last_error = 'the server is away'
      WHERE recipient = '${email}' RETURNING id`,
  )
  return { id: row?.id ?? '', email }
}

const mailsTo = async (email: string) => (await server.mails()).filter(({ recipient }) => recipient === email)

it('mails retry sends an abandoned mail after all, and records the operator', async () => {
  const { id, email } = await givenAbandonedMail()
  expect(await mailsTo(email)).toEqual([])
  const listed = JSON.parse(await operate(server, 'mails', 'list', '--status', 'abandoned', '--json')) as {
    id: string
  }[]
  const expected = { status: 'abandoned', template: 'verify_email', recipient: email, reason: 'the server is away' }
  expect(listed.find((mail) => mail.id === id)).toMatchObject(expected)
  expect(JSON.parse(await operate(server, 'mails', 'show', id, '--json'))).toMatchObject({ id, ...expected })

  await operate(server, 'mails', 'retry', id, '--as', 'grace')
  catchUp(server)
  expect(await mailsTo(email)).toHaveLength(1)
  const events = await sql(`SELECT details FROM events WHERE type = 'mail_retried'`)
  expect(events).toContainEqual({ details: { mail: id, operator: 'grace' } })
  expect(await refusalOfCommand(server, ['mails', 'retry', id])).toMatch(/^The mail is not abandoned/)
})

it('mails retry refuses a mail that is too old, and ids that no mail has', async () => {
  const { id } = await givenAbandonedMail()
  await sql(`UPDATE outbox_mails SET stale_at = now() - interval '1 hour' WHERE id = '${id}'`)
  expect(await refusalOfCommand(server, ['mails', 'retry', id])).toMatch(/^The mail is too old to be worth sending/)
  for (const unknown of ['x', '0198c5f0-5c1e-4b3e-9b0e-3f2a8f7d2a11']) {
    expect(await refusalOfCommand(server, ['mails', 'retry', unknown])).toMatch(/^There is no mail /)
    expect(await refusalOfCommand(server, ['mails', 'show', unknown])).toMatch(/^There is no mail /)
  }
})
