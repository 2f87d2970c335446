import { startFaultProxy } from '../../support/fault-proxy.ts'
import { givenUser } from '../../support/fixtures.ts'
import { startServer } from '../../support/server.ts'
import { settingsFor, startSmtpServer } from '../../support/smtp-server.ts'

it('after a day without a mail server notices go out, and links that have half of their lives left', async () => {
  const { smtp, received, stop } = await startSmtpServer()
  const proxy = await startFaultProxy({ host: smtp.host, port: smtp.port })
  const server = await startServer(settingsFor({ ...smtp, port: proxy.port }), { mailbox: true })
  const { mailWorker } = server.services
  const hours = async (count: number) => {
    for (let hour = 0; hour < count; hour += 1) {
      await mailWorker.drain()
      server.pass('1h')
    }
  }
  const forgot = (email: string) => server.send('POST', '/forgot_password', { body: { email } })

  await proxy.cut()
  const early = await givenUser(server)
  const passwords = { current_password: early.password, new_password: 'another good password' }
  const changed = await server.send('POST', '/change_password', { body: passwords, token: early.access_token })
  expect(changed.status).toBe(200)
  await hours(11)
  // Its link has eleven hours of 24 left at the end of the day.
  const middle = await givenUser(server)
  await hours(2)
  const late = await givenUser(server)
  await forgot(early.email)
  await hours(11)
  await forgot(late.email)
  await mailWorker.drain()
  await proxy.mend()
  // Whatever waited for its next attempt has it within the hour; a link to reset a password has it within minutes.
  for (let minutes = 0; minutes < 60; minutes += 2) {
    server.pass('2m')
    await mailWorker.drain()
  }

  const mails = received.map(({ to, head }) => [to[0], /^Subject: (.*)$/m.exec(head)?.[1]])
  expect(mails.filter(([to]) => to === early.email)).toEqual([[early.email, 'Your password was changed']])
  expect(mails.filter(([to]) => to === middle.email)).toEqual([])
  expect(mails.filter(([to]) => to === late.email)).toEqual([
    [late.email, 'Verify your e-mail address'],
    [late.email, 'Reset your password'],
  ])
  const rows = await server.database.db.outboxMail.findMany({ orderBy: { sequence: 'asc' } })
  const stale = { lastError: expect.stringMatching(/ECONNREFUSED/), finishedAt: expect.any(Date) }
  expect(rows).toMatchObject([
    {
      recipient: early.email,
      template: 'verify_email',
      status: expect.stringMatching(/^(dropped|abandoned)$/),
      ...stale,
    },
    { recipient: early.email, template: 'password_changed', status: 'sent' },
    {
      recipient: middle.email,
      template: 'verify_email',
      status: expect.stringMatching(/^(dropped|abandoned)$/),
      ...stale,
    },
    { recipient: late.email, template: 'verify_email', status: 'sent' },
    { recipient: early.email, template: 'reset_password', status: 'dropped', ...stale },
    { recipient: late.email, template: 'reset_password', status: 'sent' },
  ])
  const givenUp = server.logged.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')
  expect(givenUp.map(({ template }) => template)).toEqual(['verify_email', 'reset_password', 'verify_email'])
  await server.close()
  await proxy.cut()
  await stop()
})
