import { createSmtpMailer } from '../../../src/platform/mailer.ts'
import { createMailWorld } from '../../support/mail-world.ts'
import { startSmtpServer } from '../../support/smtp-server.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
beforeEach(async () => {
  world = await createMailWorld()
})
afterEach(() => world.close())

const from = 'Auth <auth@example.com>'

describe('from the outbox to a mail server', () => {
  it('a mail arrives with both parts, its link and no markup but ours', async () => {
    const { smtp, received, stop } = await startSmtpServer()
    await world.givenQueued('ada@example.com', { name: '<script>\r\nBcc: eve@example.com', token: 't0ken' })
    await world.givenWorker(createSmtpMailer({ smtp, from })).drain()
    await stop()
    expect(received).toHaveLength(1)
    expect(received[0]).toMatchObject({ from: 'auth@example.com', to: ['ada@example.com'] })
    expect(received[0]?.head).toMatch(/^Subject: Welcome, <script> Bcc: eve@example\.com$/m)
    expect(received[0]?.head).not.toMatch(/^Bcc:/m)
    expect(received[0]?.body).toContain('Come in:\r\nhttps://app.example.com/verify#t0ken')
    expect(received[0]?.body).toContain('<a href="https://app.example.com/verify#t0ken"')
    expect(received[0]?.body).toContain('<p>Hello &lt;script&gt; Bcc: eve@example.com, Bob invited you.</p>')
  })

  it('a mail that the server defers is sent later', async () => {
    const replies = ['450 Try later', undefined]
    const { smtp, received, stop } = await startSmtpServer({ onRecipient: () => replies.shift() })
    const worker = world.givenWorker(createSmtpMailer({ smtp, from }))
    await world.givenQueued('ada@example.com')
    await worker.drain()
    expect(received).toEqual([])
    expect(await world.rows()).toMatchObject([
      { status: 'queued', lastError: expect.stringContaining('450 Try later') },
    ])
    world.pass(30)
    await worker.drain()
    await stop()
    expect(received).toHaveLength(1)
    expect(await world.rows()).toMatchObject([{ status: 'sent', lastError: null, encryptedValues: null }])
  })

  it('a mail that the server refuses is abandoned with the reason', async () => {
    const { smtp, stop } = await startSmtpServer({ onRecipient: () => '550 5.1.1 No such user' })
    await world.givenQueued('unregistered@example.com')
    await world.givenWorker(createSmtpMailer({ smtp, from })).drain()
    await stop()
    expect(await world.rows()).toMatchObject([
      { status: 'abandoned', lastError: expect.stringContaining('550 5.1.1 No such user') },
    ])
  })

  it('a mail that a misconfigured relay refuses is sent once the operator has repaired the relay', async () => {
    const { smtp, received, stop } = await startSmtpServer({
      onRecipient: () => (received.length === 0 && !isRight ? '554 5.7.1 relay denied' : undefined),
    })
    let isRight = false
    await world.givenQueued('ada@example.com')
    const worker = world.givenWorker(createSmtpMailer({ smtp, from }))
    for (let hour = 0; hour < 5; hour++) {
      await worker.drain()
      world.pass(3600)
    }
    isRight = true
    await worker.drain()
    await stop()
    expect(received).toHaveLength(1)
  })

  it('a mail stays queued while the server is away', async () => {
    const { smtp, stop } = await startSmtpServer()
    await stop()
    await world.givenQueued('ada@example.com')
    await world.givenWorker(createSmtpMailer({ smtp, from })).drain()
    expect(await world.rows()).toMatchObject([{ status: 'queued', attempts: 1 }])
  })
})
