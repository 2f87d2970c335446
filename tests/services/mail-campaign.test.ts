import { freshDatabase, withClient } from '../support/database.ts'
import type { OnBytes } from '../support/fault-proxy.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { ServerProcess } from '../support/process.ts'
import { endProcesses, processKey, startProcess, until } from '../support/process.ts'
import { givenNotices } from '../support/queued-mails.ts'
import { settingsFor, startSmtpServer } from '../support/smtp-server.ts'

afterEach(endProcesses)

const seed = Number(process.env.MAIL_CAMPAIGN_SEED ?? 1)
const addresses = Array.from({ length: 250 }, (_, index) => `user${index}@example.com`)
const each = 4
const kills = 6

/** mulberry32: the same numbers from 0 to 1 for the same seed. */
function createRandom(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

it('loses no mail of a thousand, and doubles none but those whose answer was lost', async () => {
  const random = createRandom(seed)
  const fails = (share: number) => random() < share
  /** Mails that the mail server took although the connection was cut before its answer. */
  const cut = { answers: 0, mails: 0 }

  const network: OnBytes = (bytes, direction, connection) => {
    const text = bytes.toString('latin1')
    if (direction === 'up' && text.endsWith('DATA\r\n') && fails(0.05)) {
      cut.mails += 1
      connection.reset()
    } else if (direction === 'up' && text.endsWith('\r\n.\r\n') && fails(0.05)) {
      cut.answers += 1
      connection.silence('down')
      // After the server has the bytes, which are passed on when this returns.
      setTimeout(() => connection.reset(), 100)
    }
  }
  const { smtp, received, stop } = await startSmtpServer({
    onRecipient: () => (fails(0.1) ? '451 Try later' : undefined),
    onMail: () => (fails(0.1) ? '452 Insufficient storage' : undefined),
  })
  const proxy = await startFaultProxy({ host: smtp.host, port: smtp.port }, network)
  const databaseUrl = await freshDatabase()
  await givenNotices(databaseUrl, processKey.SECRET_KEY, addresses, each)
  const start = () =>
    startProcess({
      ...processKey,
      DATABASE_URL: databaseUrl,
      DATABASE_POOL: '4',
      ...settingsFor({ ...smtp, port: proxy.port }),
      LOG_LEVEL: 'error',
    })
  const servers: ServerProcess[] = [start(), start()]
  await Promise.all(servers.map(({ ready }) => ready))

  /** Delays pass at once. Leases of more than 20 s are those of servers that were killed: the others send within one. */
  const passTime = () =>
    withClient(databaseUrl, async (client) => {
      await client.query(`
        UPDATE outbox_mails SET next_attempt_at = now(), leased_until = NULL
        WHERE status = 'queued' AND next_attempt_at > now() AND (leased_until IS NULL OR leased_until < now() + interval '100 s')`)
      const { rows } = await client.query(
        `SELECT count(*) FILTER (WHERE status = 'queued')::integer AS queued, count(*) FILTER (WHERE status NOT IN ('queued', 'sent'))::integer AS "givenUp" FROM outbox_mails`,
      )
      return rows[0] as { queued: number; givenUp: number }
    })

  for (let killed = 0; killed < kills; killed += 1) {
    const enough = addresses.length * each - 150 * (killed + 1)
    await until(async () => (await passTime()).queued < enough)
    const victim = servers[killed % 2]
    victim?.kill('SIGKILL')
    await victim?.exit
    servers[killed % 2] = start()
    await servers[killed % 2]?.ready
  }
  await until(async () => (await passTime()).queued === 0)
  const { givenUp } = await passTime()
  await stop()
  await proxy.cut()

  const copies = new Map<string, number>()
  const order = new Map<string, string[]>()
  for (const { to, head, body } of received) {
    const id = /^Message-ID: (.*)$/im.exec(head)?.[1] ?? ''
    if (!copies.has(id)) {
      const mailbox = to[0] ?? ''
      order.set(mailbox, [...(order.get(mailbox) ?? []), /number (\d)/.exec(body)?.[1] ?? ''])
    }
    copies.set(id, (copies.get(id) ?? 0) + 1)
  }
  const doubled = [...copies.values()].filter((count) => count > 1).length
  const lost = addresses.length * each - copies.size
  process.stderr.write(
    `mail campaign, seed ${seed}: ${JSON.stringify({ sent: copies.size, lost, doubled, copies: received.length, cut, kills, givenUp })}\n`,
  )
  expect({ lost, givenUp }).toEqual({ lost: 0, givenUp: 0 })
  // A worker has eight mails in flight when it is killed.
  expect(received.length - copies.size).toBeLessThanOrEqual(cut.answers + 8 * kills)
  expect([...order.values()].every((numbers) => numbers.join('') === '0123')).toBe(true)
}, 300_000)
