import { createMailWorld, createRecorder, invitation } from '../../support/mail-world.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
beforeEach(async () => {
  world = await createMailWorld()
})
afterEach(() => world.close())

const values = { name: 'Ada', token: 'a-secret-token' }

describe('the outbox', () => {
  it('keeps the values of a mail encrypted, and erases them once the mail is sent', async () => {
    await world.givenQueued('ada@example.com', values)
    const [waiting] = await world.rows()
    expect(waiting).toMatchObject({
      template: 'invitation',
      recipient: 'ada@example.com',
      status: 'queued',
      attempts: 0,
    })
    const encrypted = Buffer.from(waiting?.encryptedValues ?? []).toString('latin1')
    expect(encrypted).not.toBe('')
    expect(encrypted).not.toMatch(/token|Ada/)

    await world.givenWorker(createRecorder()).drain()
    expect(await world.rows()).toMatchObject([
      { status: 'sent', encryptedValues: null, finishedAt: world.clock.now(), attempts: 1, lastError: null },
    ])
  })

  it('mails nothing when the change that caused the mail is rolled back', async () => {
    const recorder = createRecorder()
    let woken = 0
    const change = world.transaction(async (tx) => {
      await world.outboxIn(tx, () => woken++).enqueue(invitation, 'ada@example.com', values)
      throw new Error('the change failed')
    })
    await expect(change).rejects.toThrow('the change failed')
    await world.givenWorker(recorder).drain()
    expect(recorder.mails).toEqual([])
    expect(await world.rows()).toEqual([])
    expect(woken).toBe(0)
  })

  it('wakes the worker once the mail can be seen, and not before', async () => {
    const recorder = createRecorder()
    const worker = world.givenWorker(recorder)
    const runs: Promise<void>[] = []
    await world.transaction(async (tx) => {
      await world.outboxIn(tx, () => runs.push(worker.drain())).enqueue(invitation, 'ada@example.com', values)
      await worker.drain()
      expect(recorder.mails).toEqual([])
      expect(runs).toEqual([])
    })
    expect(runs).toHaveLength(1)
    await Promise.all(runs)
    expect(recorder.mails).toMatchObject([{ recipient: 'ada@example.com', subject: 'Welcome, Ada' }])
  })
})
