import { defineMailTemplate } from '../../../src/features/mail/index.ts'
import type { Db } from '../../../src/kernel/db.ts'
import type { Mailer } from '../../../src/kernel/ports.ts'
import { MailRefused } from '../../../src/kernel/ports.ts'
import { createMailWorld, createRecorder, invitation } from '../../support/mail-world.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
beforeEach(async () => {
  world = await createMailWorld()
})
afterEach(() => world.close())

const failing = (error: Error): Mailer => ({ send: () => Promise.reject(error) })
const silent: Mailer = { send: () => new Promise(() => undefined) }
const addresses = (count: number) => Array.from({ length: count }, (_, number) => `user${number}@example.com`).sort()

async function givenManyQueued(count: number): Promise<string[]> {
  const all = addresses(count)
  await Promise.all(all.map((address) => world.givenQueued(address)))
  return all
}

describe('the mail worker', () => {
  it('sends each mail once, even when fifty workers look for it', async () => {
    const all = await givenManyQueued(120)
    const recorder = createRecorder()
    await Promise.all(Array.from({ length: 50 }, () => world.givenWorker(recorder).drain()))
    expect(recorder.mails.map(({ recipient }) => recipient).sort()).toEqual(all)
    expect(new Set((await world.rows()).map(({ status }) => status))).toEqual(new Set(['sent']))
  })

  it('shares one run between callers who ask at once', async () => {
    const all = await givenManyQueued(30)
    const recorder = createRecorder()
    const worker = world.givenWorker(recorder)
    await Promise.all([worker.drain(), worker.drain(), worker.drain()])
    expect(recorder.mails.map(({ recipient }) => recipient).sort()).toEqual(all)
  })

  it('has no more than eight mails in flight', async () => {
    await givenManyQueued(40)
    let inFlight = 0
    let most = 0
    await world
      .givenWorker({
        send: async () => {
          most = Math.max(most, ++inFlight)
          await world.db.$queryRaw`SELECT 1 FROM pg_sleep(0.005)`
          inFlight--
        },
      })
      .drain()
    expect(most).toBe(8)
  })

  it('sends what another worker claimed and never sent', async () => {
    await world.givenQueued('ada@example.com')
    const recorder = createRecorder()
    expect(await world.queue.claim(10)).toHaveLength(1)
    world.pass(119)
    await world.givenWorker(recorder).drain()
    expect(recorder.mails).toHaveLength(0)
    world.pass(1)
    await world.givenWorker(recorder).drain()
    expect(recorder.mails).toHaveLength(1)
  })

  it('does not touch a mail whose lease has passed to another worker', async () => {
    await world.givenQueued('ada@example.com')
    const [mine] = await world.queue.claim(1)
    world.pass(120)
    const [theirs] = await world.queue.claim(1)
    if (!mine || !theirs) throw new Error('nothing was claimed')
    await world.queue.settle(mine, { status: 'abandoned', reason: 'late' })
    expect(await world.rows()).toMatchObject([{ status: 'queued', attempts: 2, lastError: null }])
    await world.queue.settle(theirs, { status: 'sent' })
    await world.queue.settle(mine, { status: 'failed', reason: 'late', concernsOthers: true })
    expect(await world.rows()).toMatchObject([{ status: 'sent', lastError: null, encryptedValues: null }])
  })

  it('retries with growing delays, for the last time a minute before the mail is not worth sending', async () => {
    await world.givenQueued('ada@example.com')
    const queuedAt = world.clock.now()
    const worker = world.givenWorker(failing(new Error('450 Mailbox busy')))
    const waits: number[] = []
    for (;;) {
      await worker.drain()
      const [row] = await world.rows()
      expect(row).toMatchObject({ attempts: waits.length + 1, lastError: '450 Mailbox busy' })
      if (row?.status !== 'queued') break
      const wait = (row.nextAttemptAt.getTime() - world.clock.now().getTime()) / 1000
      waits.push(wait)
      world.pass(wait - 0.01)
      await worker.drain()
      expect(await world.rows()).toMatchObject([{ attempts: waits.length }])
      world.pass(0.01)
    }
    // The longest delay is a tenth of the mail's six hours of use.
    const longest = [30, 60, 120, 240, 480, 960, 1920, 2160]
    waits.forEach((wait, index) => {
      const most = longest[Math.min(index, 7)] ?? 0
      expect(wait).toBeLessThanOrEqual(most)
      if (index < waits.length - 1) expect(wait).toBeGreaterThanOrEqual(most / 2)
    })
    expect(await world.rows()).toMatchObject([{ status: 'abandoned', finishedAt: world.clock.now() }])
    const age = (world.clock.now().getTime() - queuedAt.getTime()) / 1000
    expect(age).toBeCloseTo(6 * 3600 - 60)
  })

  it('sends a notice after two days and 23 hours without a mail server, and gives up after three days', async () => {
    const notice = defineMailTemplate<{ name: string; token: string }>({
      name: 'invitation',
      write: () => ({ subject: 'Your password was changed', paragraphs: ['It was changed.'] }),
    })
    const absent = world.givenWorker(failing(new Error('connect ECONNREFUSED')), { templates: [notice] })
    const outage = async (hours: number) => {
      for (let hour = 0; hour < hours; hour++) {
        await absent.drain()
        world.pass(3600)
      }
    }
    const givenNotice = (recipient: string) =>
      world.transaction((tx) => world.outboxIn(tx).enqueue(notice, recipient, { name: '', token: '' }))
    await givenNotice('ada@example.com')
    await outage(71)
    expect(await world.rows()).toMatchObject([{ status: 'queued', attempts: 71 }])
    const recorder = createRecorder()
    await world.givenWorker(recorder, { templates: [notice] }).drain()
    expect(recorder.mails).toHaveLength(1)

    await givenNotice('bob@example.com')
    await outage(73)
    const [, row] = await world.rows()
    expect(row).toMatchObject({ status: 'dropped', lastError: expect.stringContaining('connect ECONNREFUSED') })
  })

  it('logs a mail that is given up as an error, with its template, its age and why, and without an address', async () => {
    await world.givenQueued('ada@example.com')
    world.pass(100)
    await world.givenWorker(failing(new Error('554 5.7.1 <ada@example.com>: Relay access denied'))).drain()
    world.pass(100)
    await world.givenWorker(failing(new MailRefused('550 5.1.1 <ada@example.com>: User unknown'))).drain()
    expect(world.logged).toMatchObject([
      { level: 'warn', age_seconds: 100, reason: '554 5.7.1 <…>: Relay access denied' },
      {
        level: 'error',
        message: 'mail abandoned: it is sent only if an operator retries it',
        mail_id: expect.any(String),
        template: 'invitation',
        attempts: 2,
        age_seconds: 200,
        reason: '550 5.1.1 <…>: User unknown',
      },
    ])
  })

  it('sends mails of one moment in the order in which they were queued', async () => {
    const all = addresses(30).reverse()
    for (const address of all) await world.givenQueued(address)
    const recorder = createRecorder()
    await world.givenWorker(recorder).drain()
    expect(recorder.mails.map(({ recipient }) => recipient)).toEqual(all)
  })

  it('gives up at once when the mail is refused, and keeps the reason', async () => {
    await world.givenQueued('ada@example.com')
    await world.givenWorker(failing(new MailRefused('550 No such user'))).drain()
    expect(await world.rows()).toMatchObject([{ status: 'abandoned', attempts: 1, lastError: '550 No such user' }])
  })

  it('keeps and logs no link and no token of a mail that a server quotes', async () => {
    const token = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6'
    await world.givenQueued('ada@example.com', { name: 'Ada', token })
    const quote = `554 Spam:\r\n https://app.example.com/verify#${token} and ${token} ${'x '.repeat(500)}`
    await world.givenWorker(failing(new MailRefused(quote))).drain()
    const [row] = await world.rows()
    expect(row?.lastError).toMatch(/^554 Spam: … and … x x/)
    expect(row?.lastError?.length).toBeLessThanOrEqual(200)
    expect(JSON.stringify(world.logged)).not.toContain(token)
  })

  it('goes on beside mails that a server never answers', async () => {
    await givenManyQueued(20)
    const recorder = createRecorder()
    const hangs = (address: string) => /user1?\d@/.test(address) && Number(/\d+/.exec(address)?.[0]) < 10
    const worker = world.givenWorker(
      { send: (mail) => (hangs(mail.recipient) ? silent.send(mail) : recorder.send(mail)) },
      { sendTimeoutMs: 40 },
    )
    await worker.drain()
    expect(recorder.mails).toHaveLength(10)
    const rows = await world.rows()
    expect(rows.filter(({ status }) => status === 'sent')).toHaveLength(10)
    expect(rows.filter(({ lastError }) => lastError === 'the mail server took too long')).toHaveLength(10)
  })

  it('leaves a mail with an unknown template to other workers', async () => {
    await world.givenQueued('ada@example.com')
    const recorder = createRecorder()
    await world.givenWorker(recorder, { templates: [] }).drain()
    expect(await world.rows()).toMatchObject([{ status: 'queued', lastError: 'this instance knows no such template' }])
    world.pass(30)
    await world.givenWorker(recorder, { templates: [invitation] }).drain()
    expect(recorder.mails).toHaveLength(1)
  })

  it('leaves values that it cannot decrypt to workers with the right key', async () => {
    await world.givenQueued('ada@example.com')
    const recorder = createRecorder()
    await world.givenWorker(recorder, { secret: 'another key' }).drain()
    expect(await world.rows()).toMatchObject([{ status: 'queued', lastError: expect.stringContaining('SECRET_KEY') }])
    world.pass(30)
    await world.givenWorker(recorder).drain()
    expect(recorder.mails).toHaveLength(1)
  })

  it('drops a mail that is too old when its turn comes, and says why', async () => {
    await world.givenQueued('ada@example.com')
    const recorder = createRecorder()
    world.pass(6 * 3600 + 1)
    await world.givenWorker(recorder).drain()
    expect(recorder.mails).toEqual([])
    const reason = 'too old to be worth sending'
    expect(await world.rows()).toMatchObject([{ status: 'dropped', lastError: reason, encryptedValues: null }])
    expect(world.logged).toMatchObject([{ level: 'error', message: 'mail dropped: it will never be sent', reason }])
  })

  it('goes on when the database comes back, and says once that it was away', async () => {
    await world.givenQueued('ada@example.com')
    let away = true
    const db = new Proxy<Db>(world.db, {
      get: (target, name) =>
        away && name === '$queryRaw' ? () => Promise.reject(new Error('no database')) : Reflect.get(target, name),
    })
    const recorder = createRecorder()
    const worker = world.givenWorker(recorder, { db })
    await worker.drain()
    await worker.drain()
    expect(world.logged).toMatchObject([{ reason: 'no database', message: 'the outbox cannot be read; mails wait' }])
    away = false
    await worker.drain()
    expect(recorder.mails).toHaveLength(1)
  })

  it('sends on its own once it is started, and waits for mails in flight when it is stopped', async () => {
    await givenManyQueued(1)
    let reached = () => {}
    let answer = () => {}
    const inFlight = new Promise<void>((resolve) => {
      reached = resolve
    })
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    const worker = world.givenWorker({
      send: () => {
        reached()
        return answered
      },
    })
    worker.start()
    await inFlight
    let stopped = false
    const stopping = worker.stop().then(() => {
      stopped = true
    })
    await world.givenQueued('late@example.com')
    worker.wake()
    expect(stopped).toBe(false)
    answer()
    await stopping
    expect(await world.rows()).toMatchObject([{ recipient: 'late@example.com', status: 'queued' }, { status: 'sent' }])
  })
})
