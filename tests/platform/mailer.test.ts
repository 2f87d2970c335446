import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { SmtpSettings } from '../../src/kernel/ports.ts'
import { MailContentsRefused, MailRefused } from '../../src/kernel/ports.ts'
import { createSmtpMailer } from '../../src/platform/mailer.ts'
import { selfSigned } from '../support/certificate.ts'
import { plain, startSmtpServer } from '../support/smtp-server.ts'

const from = 'Auth <auth@example.com>'
const mail = {
  id: 'a-mail',
  recipient: 'ada@example.com',
  subject: 'Hello',
  text: 'Plain words',
  html: '<p>Marked <b>words</b></p>',
}
const stops: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function givenServer(...settings: Parameters<typeof startSmtpServer>) {
  const server = await startSmtpServer(...settings)
  stops.push(server.stop)
  return server
}

/** A server that does not speak SMTP. */
async function givenSocketServer(onConnection: (socket: Socket) => void): Promise<SmtpSettings> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { ...plain, port }
}

async function failureOf(sending: Promise<void>): Promise<Error> {
  return sending.then(
    () => {
      throw new Error('the mail was sent')
    },
    (error: Error) => error,
  )
}

describe('createSmtpMailer', () => {
  test('hands over both parts and marks the mail as automatic', async () => {
    const { smtp, received } = await givenServer()
    await createSmtpMailer({ smtp, from }).send(mail)
    expect(received).toHaveLength(1)
    const [{ head, body, clientName: _name, ...envelope } = { head: '', body: '' }] = received
    expect(envelope).toEqual({ from: 'auth@example.com', to: ['ada@example.com'], secure: false })
    expect(head).toMatch(/^From: Auth <auth@example\.com>$/m)
    expect(head).toMatch(/^To: ada@example\.com$/m)
    expect(head).toMatch(/^Subject: Hello$/m)
    expect(head).toMatch(/^Auto-Submitted: auto-generated$/m)
    expect(head).toMatch(/^Content-Type: multipart\/alternative/m)
    expect(body).toContain('Content-Type: text/plain')
    expect(body).toContain(mail.text)
    expect(body).toContain('Content-Type: text/html')
    expect(body).toContain(mail.html)
  })

  test.each([
    "!#$%&'*+/=?^_`{|}~-.x@example.com",
    'relay!eve@example.com',
    'eve%evil.example@example.com',
    "o'brien@example.com",
    '/etc/passwd@example.com',
    '|cat@example.com',
    '=?utf-8?q?eve?=@example.com',
  ])('mails %s only, under exactly this address', async (recipient) => {
    const { smtp, received } = await givenServer()
    await createSmtpMailer({ smtp, from }).send({ ...mail, recipient })
    expect(received.map(({ to }) => to)).toEqual([[recipient]])
    expect(received[0]?.head.split('\r\n').filter((line) => /^(to|cc|bcc):/i.test(line))).toEqual([`To: ${recipient}`])
  })

  test('mails an international domain in ASCII', async () => {
    const { smtp, received } = await givenServer()
    await createSmtpMailer({ smtp, from }).send({ ...mail, recipient: 'ada@xn--mnchen-3ya.xn--p1ai' })
    expect(received[0]?.head).toMatch(/^To: ada@xn--mnchen-3ya\.xn--p1ai$/m)
    // This server decodes the address that it gets.
    expect(received[0]?.to).toEqual(['ada@münchen.рф'])
  })

  test.each([
    ['a list', 'ada@example.com, eve@example.com'],
    ['a group', 'all: ada@example.com, eve@example.com;'],
    ['a name in front', 'Eve <eve@example.com>'],
    ['a header', 'ada@example.com\r\nBcc: eve@example.com'],
    ['an SMTP command', 'ada@example.com>\r\nRCPT TO:<eve@example.com'],
    ['a quoted address', '"eve@evil.example"@example.com'],
    ['a domain beyond ASCII', 'ada@münchen.example'],
    ['nothing', ''],
  ])('sends nothing when the recipient is %s', async (_what, recipient) => {
    const { smtp, received } = await givenServer()
    const failure = await failureOf(createSmtpMailer({ smtp, from }).send({ ...mail, recipient }))
    expect(failure).toBeInstanceOf(MailRefused)
    expect(received).toEqual([])
  })

  test('gives the mail a Message-ID of its own id and the domain of the sender, the same at each try', async () => {
    const { smtp, received } = await givenServer()
    for (const name of ['Auth <auth@example.com>', 'auth@example.com']) {
      await createSmtpMailer({ smtp, from: name }).send(mail)
    }
    const ids = received.map(({ head }) => /^Message-ID: (.*)$/im.exec(head)?.[1])
    expect(ids).toEqual(['<a-mail@example.com>', '<a-mail@example.com>'])
  })

  test.each([
    ['554 5.7.1 Message refused by policy', true],
    ['550 No such user', true],
    ['452 Insufficient storage', false],
  ] as const)(
    'tells whether contents are refused for good, which says nothing about other mails: %s',
    async (reply, isFinal) => {
      const { smtp } = await givenServer({ onMail: () => reply })
      const failure = await failureOf(createSmtpMailer({ smtp, from }).send(mail))
      expect(failure instanceof MailContentsRefused).toBe(isFinal)
    },
  )

  test('lets no subject begin a header', async () => {
    const { smtp, received } = await givenServer()
    await createSmtpMailer({ smtp, from }).send({ ...mail, subject: 'Hello\r\nBcc: eve@example.com\r\n\r\nBody' })
    expect(received[0]?.to).toEqual(['ada@example.com'])
    expect(received[0]?.head).not.toMatch(/^Bcc:/m)
    expect(received[0]?.head).toMatch(/^MIME-Version:/m)
  })

  test('reads neither files nor addresses that a part names', async () => {
    const { smtp, received } = await givenServer()
    const text = { path: '/etc/hostname' } as unknown as string
    const failure = await failureOf(createSmtpMailer({ smtp, from }).send({ ...mail, text }))
    expect(failure.message).toMatch(/access rejected/i)
    expect(received).toEqual([])
  })

  test.each([
    '550 No such user',
    '550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown',
    '550 5.1.2 Domain not found',
    '501 5.1.3 Bad recipient address syntax',
    '551 5.1.6 The mailbox has moved',
    '556 5.1.10 The domain takes no mail',
    '550 sorry, no mailbox here by that name. (#5.1.1)',
    '553 Mailbox name not allowed',
  ])('treats a wrong address as final and keeps the reason: %s', async (reply) => {
    const { smtp } = await givenServer({ onRecipient: () => reply })
    const failure = await failureOf(createSmtpMailer({ smtp, from }).send(mail))
    expect(failure).toBeInstanceOf(MailRefused)
    expect(failure.message).toContain(reply)
  })

  test('treats a wrong address as final, also when the server reports it only after the mail', async () => {
    const { smtp } = await givenServer({ onMail: () => '550 5.1.1 User unknown' })
    expect(await failureOf(createSmtpMailer({ smtp, from }).send(mail))).toBeInstanceOf(MailRefused)
  })

  test.each([
    '554 5.7.1 relay denied',
    '550 5.7.1 Client host blocked using a block list',
    '550 5.1.0 Address rejected',
    '550 5.1.8 Sender address rejected: Domain not found',
    '550 5.2.1 A filter has quarantined this message',
    '552 5.2.2 Mailbox full',
    '530 5.7.0 Authentication required',
    '550 Relay not permitted',
    '550 Sender verify failed',
    '550-5.1.10.7 is on a block list',
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    '554 Transaction failed',
    '450 5.1.1 Try later',
  ])('treats every reply that the operator can remedy as temporary: %s', async (reply) => {
    const { smtp } = await givenServer({ onRecipient: () => reply })
    const failure = await failureOf(createSmtpMailer({ smtp, from }).send(mail))
    expect(failure).not.toBeInstanceOf(MailRefused)
    expect(failure.message).toContain(reply.replace(/^\d+[ -]/, ''))
  })

  test.each(['554 Looks like spam', '554 5.7.1 Message refused by policy', '550 No such user'])(
    'takes a refused mail as temporary: %s',
    async (reply) => {
      const { smtp } = await givenServer({ onMail: () => reply })
      expect(await failureOf(createSmtpMailer({ smtp, from }).send(mail))).not.toBeInstanceOf(MailRefused)
    },
  )

  test.each([
    ['a busy mailbox', { onRecipient: () => '450 Try later' }],
    ['a full disk', { onMail: () => '452 Insufficient storage' }],
    ['a refused sender', { options: { onMailFrom: (_address, _session, callback) => callback(senderRefused) } }],
    ['an unknown sender', { options: { onMailFrom: (_address, _session, callback) => callback(senderUnknown) } }],
    ['a refused client', { options: { onConnect: (_session, callback) => callback(new Error('go away')) } }],
  ] satisfies [string, Parameters<typeof startSmtpServer>[0]][])('treats %s as temporary', async (_what, settings) => {
    const { smtp } = await givenServer(settings)
    expect(await failureOf(createSmtpMailer({ smtp, from }).send(mail))).not.toBeInstanceOf(MailRefused)
  })

  test('treats a refused login as temporary, and reveals no password', async () => {
    const options = {
      onAuth: (_auth: unknown, _session: unknown, callback: (error: Error) => void) => callback(new Error('no')),
    }
    const { smtp } = await givenServer({ options: { ...options, allowInsecureAuth: true } })
    const failure = await failureOf(
      createSmtpMailer({ smtp: { ...smtp, user: 'mailer', password: 'hush-hush' }, from }).send(mail),
    )
    expect(failure).not.toBeInstanceOf(MailRefused)
    expect(failure.message).not.toMatch(/hush-hush|aHVzaC1odXNo/)
  })

  test('treats an absent server as temporary', async () => {
    const { smtp, stop } = await startSmtpServer()
    await stop()
    expect(await failureOf(createSmtpMailer({ smtp, from }).send(mail))).not.toBeInstanceOf(MailRefused)
  })

  const delays = 60_000
  const patient = { connect: delays, greeting: delays, socket: delays, total: delays }

  test('gives up on a server that never greets', async () => {
    const smtp = await givenSocketServer(() => undefined)
    const failure = await failureOf(createSmtpMailer({ smtp, from, timeouts: { ...patient, greeting: 50 } }).send(mail))
    expect(failure).not.toBeInstanceOf(MailRefused)
    expect(failure.message).toMatch(/greeting/i)
  })

  test('gives up on a server that falls silent', async () => {
    const smtp = await givenSocketServer((socket) => socket.write('220 hello\r\n'))
    const failure = await failureOf(createSmtpMailer({ smtp, from, timeouts: { ...patient, socket: 50 } }).send(mail))
    expect(failure).not.toBeInstanceOf(MailRefused)
  })

  test('gives up on a server that talks without end', async () => {
    const smtp = await givenSocketServer((socket) => {
      const drip = setInterval(() => socket.write('220-still here\r\n'), 10)
      socket.on('close', () => clearInterval(drip))
    })
    const failure = await failureOf(createSmtpMailer({ smtp, from, timeouts: { ...patient, total: 80 } }).send(mail))
    expect(failure).not.toBeInstanceOf(MailRefused)
  })

  test('hangs up when it is closed', async () => {
    const smtp = await givenSocketServer(() => mailer.close())
    const mailer = createSmtpMailer({ smtp, from, timeouts: patient })
    expect(await failureOf(mailer.send(mail))).not.toBeInstanceOf(MailRefused)
  })

  test('sends nothing in the clear when TLS is demanded', async () => {
    const plain = await givenServer()
    const forged = await givenServer({ options: { disabledCommands: [] } })
    for (const { smtp, received } of [plain, forged]) {
      const failure = await failureOf(createSmtpMailer({ smtp: { ...smtp, useTls: true }, from }).send(mail))
      expect(failure).not.toBeInstanceOf(MailRefused)
      expect(received).toEqual([])
    }
  })

  test('speaks TLS from the first byte where it is told to, to a server that it can trust and to no other', async () => {
    const { smtp, received } = await givenServer({ options: { secure: true, ...selfSigned } })
    const failure = await failureOf(createSmtpMailer({ smtp: { ...smtp, useSsl: true }, from }).send(mail))
    expect(failure.message).toMatch(/self-signed/i)
    expect(received).toEqual([])
    await createSmtpMailer({ smtp: { ...smtp, useSsl: true, ca: selfSigned.cert }, from }).send(mail)
    expect(received).toMatchObject([{ secure: true }])
  })

  test('trusts the authorities that it is given when it encrypts after STARTTLS, too', async () => {
    const { smtp, received } = await givenServer({ options: { disabledCommands: [], ...selfSigned } })
    await failureOf(createSmtpMailer({ smtp: { ...smtp, useTls: true }, from }).send(mail))
    expect(received).toEqual([])
    await createSmtpMailer({ smtp: { ...smtp, useTls: true, ca: selfSigned.cert }, from }).send(mail)
    expect(received).toMatchObject([{ secure: true }])
  })

  test('calls itself by the name that it is given', async () => {
    const { smtp, received } = await givenServer()
    await createSmtpMailer({ smtp: { ...smtp, ehloName: 'auth.example.com' }, from }).send(mail)
    expect(received).toMatchObject([{ clientName: 'auth.example.com' }])
  })

  test('encrypts where it can when TLS is not demanded', async () => {
    const { smtp, received } = await givenServer({ options: { disabledCommands: [] } })
    await createSmtpMailer({ smtp, from }).send(mail)
    expect(received[0]?.secure).toBe(true)
  })
})

const senderRefused = Object.assign(new Error('Sender refused'), { responseCode: 553 })
const senderUnknown = Object.assign(new Error('5.1.1 No such user'), { responseCode: 550 })
