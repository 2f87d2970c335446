import { freshDatabase, withClient } from '../support/database.ts'
import { endProcesses, processKey, startProcess, until } from '../support/process.ts'
import { givenNotices } from '../support/queued-mails.ts'
import { settingsFor, startSmtpServer } from '../support/smtp-server.ts'

afterEach(endProcesses)

const mailboxes = (count: number) => Array.from({ length: count }, (_, index) => `user${index}@example.com`)

async function givenMailServer(hold: (recipient: string) => boolean = () => false) {
  const holding: string[] = []
  const { smtp, received, stop } = await startSmtpServer({
    options: {
      onMailFrom: (_address, _session, callback) => callback(),
      // A recipient that is held gets no answer.
      onRcptTo({ address }, _session, callback) {
        if (hold(address)) holding.push(address)
        else callback()
      },
    },
  })
  const databaseUrl = await freshDatabase()
  const start = () =>
    startProcess({
      ...processKey,
      DATABASE_URL: databaseUrl,
      DATABASE_POOL: '4',
      ...settingsFor(smtp),
    })
  const countQueued = () =>
    withClient(databaseUrl, async (client) => {
      const { rows } = await client.query(`SELECT count(*)::integer AS count FROM outbox_mails WHERE status = 'queued'`)
      return rows[0]?.count as number
    })
  return { databaseUrl, received, holding, start, stop, countQueued }
}

it('two servers send each of a thousand mails once, those to one address in order', async () => {
  const { databaseUrl, received, start, stop, countQueued } = await givenMailServer()
  await givenNotices(databaseUrl, processKey.SECRET_KEY, mailboxes(250), 4)
  await Promise.all([start().ready, start().ready])
  await until(async () => (await countQueued()) === 0)
  expect(received).toHaveLength(1000)
  for (const mailbox of mailboxes(250)) {
    const mails = received.filter(({ to }) => to[0] === mailbox)
    expect(mails.map(({ body }) => /number (\d)/.exec(body)?.[1])).toEqual(['0', '1', '2', '3'])
  }
  await stop()
})

it('another server sends what the worker of a killed one held, once its lease is over', async () => {
  let isHeld = true
  const { databaseUrl, received, holding, start, stop, countQueued } = await givenMailServer(() => isHeld)
  await givenNotices(databaseUrl, processKey.SECRET_KEY, mailboxes(8), 1)
  const killed = start()
  await killed.ready
  await until(async () => holding.length === 8)
  killed.kill('SIGKILL')
  await killed.exit
  isHeld = false
  await start().ready
  await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query(`
      SELECT count(*)::integer AS held, bool_and(leased_until BETWEEN now() AND now() + interval '2 minutes') AS "isLeased"
      FROM outbox_mails WHERE status = 'queued'`)
    expect(rows).toEqual([{ held: 8, isLeased: true }])
    // The two minutes of the lease pass.
    await client.query('UPDATE outbox_mails SET leased_until = now(), next_attempt_at = now()')
  })
  await until(async () => (await countQueued()) === 0)
  expect(received.map(({ to }) => to[0]).sort()).toEqual(mailboxes(8))
  await stop()
})
