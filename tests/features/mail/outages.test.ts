import { createSmtpMailer } from '../../../src/platform/mailer.ts'
import { selfSigned } from '../../support/certificate.ts'
import type { FaultProxy, OnBytes } from '../../support/fault-proxy.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { createMailWorld } from '../../support/mail-world.ts'
import { plain, startSmtpServer } from '../../support/smtp-server.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
const stops: (() => Promise<void>)[] = []
beforeEach(async () => {
  world = await createMailWorld()
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await world.close()
})

const from = 'Auth <auth@example.com>'

/** A mail server behind a network that a test breaks. */
async function givenNetwork(onBytes?: OnBytes, ...settings: Parameters<typeof startSmtpServer>) {
  const { smtp, received, stop } = await startSmtpServer(...settings)
  const proxy = await startFaultProxy({ host: smtp.host, port: smtp.port }, onBytes)
  stops.push(proxy.cut, stop)
  return { proxy, received, smtp: { ...plain, port: proxy.port } }
}

const messageIds = (received: readonly { head: string }[]) =>
  received.map(({ head }) => /^Message-ID: (.*)$/im.exec(head)?.[1])

/** Answers of the server that follow these bytes of the client are lost. */
function losingAnswersTo(bytes: RegExp, lose: 'silence' | 'reset'): OnBytes {
  const reached = new WeakSet<object>()
  let isOver = false
  return (chunk, direction, connection) => {
    if (isOver) return
    if (direction === 'up' && bytes.test(chunk.toString('latin1'))) reached.add(connection)
    if (direction === 'down' && reached.has(connection)) {
      isOver = true
      connection[lose]()
    }
  }
}

async function expectSentOnceMended(
  { proxy, smtp, received }: { proxy: FaultProxy; smtp: typeof plain & { port: number }; received: readonly unknown[] },
  reason: RegExp,
  mailer = createSmtpMailer({ smtp, from }),
): Promise<void> {
  await world.givenQueued('ada@example.com')
  const worker = world.givenWorker(mailer)
  await worker.drain()
  expect(await world.rows()).toMatchObject([
    { status: 'queued', attempts: 1, lastError: expect.stringMatching(reason) },
  ])
  expect(received).toHaveLength(0)
  await proxy.mend()
  world.pass(30)
  await worker.drain()
  expect(await world.rows()).toMatchObject([{ status: 'sent', attempts: 2, lastError: null }])
  expect(received).toHaveLength(1)
}

const patient = { connect: 60_000, greeting: 60_000, socket: 60_000, total: 60_000 }

describe('a mail is sent later, and the row says why, when the mail server', () => {
  it('refuses connections', async () => {
    const network = await givenNetwork()
    await network.proxy.cut()
    await expectSentOnceMended(network, /ECONNREFUSED/)
  })

  it('never greets', async () => {
    const network = await givenNetwork()
    network.proxy.blackhole()
    const timeouts = { ...patient, greeting: 300 }
    await expectSentOnceMended(network, /greeting/i, createSmtpMailer({ smtp: network.smtp, from, timeouts }))
  })

  it('falls silent after the command DATA', async () => {
    const network = await givenNetwork(losingAnswersTo(/DATA\r\n$/, 'silence'))
    const timeouts = { ...patient, socket: 300 }
    await expectSentOnceMended(network, /timeout/i, createSmtpMailer({ smtp: network.smtp, from, timeouts }))
  })

  it('is cut off in the middle of the mail', async () => {
    const network = await givenNetwork()
    network.proxy.cutAfter(300, 'up')
    await expectSentOnceMended(network, /closed|ECONNRESET/i)
  })

  it('has lost its STARTTLS to an attacker on the way, where TLS is demanded', async () => {
    let isStripped = true
    // The server's offer is taken out, and the client's command as well, as clients that demand TLS ask for it all the same.
    const strip: OnBytes = (bytes) => {
      const at = bytes.indexOf('STARTTLS')
      if (isStripped && at >= 0) bytes.write('XSTRIPED', at)
    }
    const network = await givenNetwork(strip, { options: { disabledCommands: [], ...selfSigned } })
    const smtp = { ...network.smtp, useTls: true, ca: selfSigned.cert }
    await world.givenQueued('ada@example.com')
    const worker = world.givenWorker(createSmtpMailer({ smtp, from }))
    await worker.drain()
    expect(network.received).toEqual([])
    expect(await world.rows()).toMatchObject([{ status: 'queued', lastError: expect.stringContaining('STARTTLS') }])
    isStripped = false
    world.pass(30)
    await worker.drain()
    expect(network.received).toMatchObject([{ secure: true }])
  })
})

describe('a mail that the server took', () => {
  it('comes once more, under the same Message-ID, when the connection was cut before its answer', async () => {
    const { smtp, received } = await givenNetwork(losingAnswersTo(/\r\n\.\r\n$/, 'reset'))
    await world.givenQueued('ada@example.com')
    const worker = world.givenWorker(createSmtpMailer({ smtp, from }))
    await worker.drain()
    expect(await world.rows()).toMatchObject([{ status: 'queued', attempts: 1 }])
    world.pass(30)
    await worker.drain()
    world.pass(3600)
    await worker.drain()
    const [row] = await world.rows()
    expect(row).toMatchObject({ status: 'sent', attempts: 2 })
    expect(messageIds(received)).toEqual([`<${row?.id}@example.com>`, `<${row?.id}@example.com>`])
  })
})
