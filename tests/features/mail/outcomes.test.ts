import type { Db } from '../../../src/kernel/db.ts'
import { createMailWorld, createRecorder } from '../../support/mail-world.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
beforeEach(async () => {
  world = await createMailWorld()
})
afterEach(() => world.close())

/** The database of the world, whose named part fails or hangs while `fault` is set. */
function givenFaultyDb(part: 'outboxMail' | '$queryRaw') {
  const faulty: { fault?: () => Promise<never> } = {}
  const db = new Proxy<Db>(world.db, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (!faulty.fault || name !== part) return value
      return part === 'outboxMail' ? { updateMany: faulty.fault } : faulty.fault
    },
  })
  return Object.assign(faulty, { db })
}

const away = () => Promise.reject(new Error('no database'))
const silent = () => new Promise<never>(() => undefined)

describe('the outcome of a mail', () => {
  it('is written once the database is back, before any mail is tried again', async () => {
    await world.givenQueued('ada@example.com')
    const faulty = givenFaultyDb('outboxMail')
    faulty.fault = away
    const recorder = createRecorder()
    const worker = world.givenWorker(recorder, { db: faulty.db })
    await worker.drain()
    // The lease runs out meanwhile.
    world.pass(121)
    await worker.drain()
    expect(recorder.mails).toHaveLength(1)
    expect(await world.rows()).toMatchObject([{ status: 'queued', attempts: 1 }])
    delete faulty.fault
    await worker.drain()
    expect(recorder.mails).toHaveLength(1)
    expect(await world.rows()).toMatchObject([{ status: 'sent', attempts: 1, encryptedValues: null }])
    expect(world.logged).toMatchObject([
      { level: 'error', outcome: 'sent', reason: 'no database', message: 'outcome not written yet' },
      { level: 'error', message: 'the outbox cannot be read; mails wait' },
      { level: 'info', message: 'mail sent' },
    ])
  })

  it('is written at the latest when the worker stops', async () => {
    await world.givenQueued('ada@example.com')
    const faulty = givenFaultyDb('outboxMail')
    faulty.fault = away
    const worker = world.givenWorker(createRecorder(), { db: faulty.db })
    await worker.drain()
    delete faulty.fault
    await worker.stop()
    expect(await world.rows()).toMatchObject([{ status: 'sent' }])
  })

  it('that a mail was sent counts although the lease has passed to another worker', async () => {
    await world.givenQueued('ada@example.com')
    const [mine] = await world.queue.claim(1)
    world.pass(120)
    const [theirs] = await world.queue.claim(1)
    if (!mine || !theirs) throw new Error('nothing was claimed')
    await world.queue.settle(mine, { status: 'sent' })
    await world.queue.settle(theirs, { status: 'failed', reason: 'late', concernsOthers: true })
    expect(await world.rows()).toMatchObject([{ status: 'sent', lastError: null }])
  })

  it('is written whatever bytes the mail server answers with', async () => {
    await world.givenQueued('ada@example.com')
    await world.givenWorker({ send: () => Promise.reject(new Error('451 \u0000\u0007 later \ud800')) }).drain()
    expect(await world.rows()).toMatchObject([{ status: 'queued', lastError: expect.stringMatching(/^451 later/) }])
  })
})

describe('a database that does not answer the mail worker', () => {
  it.each([
    ['when it looks for mails', '$queryRaw'],
    ['when an outcome is written', 'outboxMail'],
  ] as const)('is waited for so long and no longer: %s', async (_when, part) => {
    await world.givenQueued('ada@example.com')
    const faulty = givenFaultyDb(part)
    faulty.fault = silent
    const recorder = createRecorder()
    const worker = world.givenWorker(recorder, { db: faulty.db, databaseTimeoutMs: 1500 })
    await worker.drain()
    expect(world.logged).toContainEqual(expect.objectContaining({ reason: 'the database took too long' }))
    delete faulty.fault
    await worker.drain()
    expect(recorder.mails).toHaveLength(1)
    expect(await world.rows()).toMatchObject([{ status: 'sent' }])
  })
})
