import { randomUUID } from 'node:crypto'
import type { Mail } from '../../../src/kernel/ports.ts'
import { MailRefused } from '../../../src/kernel/ports.ts'
import { createMailWorld, createRecorder } from '../../support/mail-world.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
beforeEach(async () => {
  world = await createMailWorld()
})
afterEach(() => world.close())

const refusal = '550 5.1.1 User unknown'
const refusing = { send: (_mail: Mail) => Promise.reject(new MailRefused(refusal)) }

async function givenAbandoned(recipient: string) {
  await world.givenQueued(recipient)
  await world.givenWorker(refusing).drain()
  const [mail] = await world.administration.list({ status: 'abandoned', limit: 1 })
  if (!mail) throw new Error('no mail was abandoned')
  return mail
}

describe('an abandoned mail', () => {
  it('is listed with its reason and without its contents', async () => {
    const { id } = await givenAbandoned('ada@example.com')
    await world.givenQueued('bob@example.com')
    const expected = { id, recipient: 'ada@example.com', status: 'abandoned', attempts: 1, lastError: refusal }
    const listed = await world.administration.list({ status: 'abandoned', limit: 10 })
    expect(listed).toMatchObject([expected])
    expect(await world.administration.find(id)).toMatchObject(expected)
    expect(Object.keys(listed[0] ?? {})).not.toContain('encryptedValues')
    expect(await world.administration.list({ status: 'queued', limit: 10 })).toMatchObject([{ status: 'queued' }])
    expect(await world.administration.find(randomUUID())).toBeUndefined()
  })

  it('is sent when an operator retries it, which is an event', async () => {
    const { id } = await givenAbandoned('ada@example.com')
    expect(await world.administration.retry(id, world.operator)).toBe('queued')
    const recorder = createRecorder()
    await world.givenWorker(recorder).drain()
    expect(recorder.mails).toMatchObject([{ id, subject: 'Welcome, Ada', recipient: 'ada@example.com' }])
    expect(await world.db.event.findMany()).toMatchObject([{ type: 'mail_retried', details: { mail: id } }])
    expect(await world.administration.retry(id, world.operator)).toBe('not_abandoned')
    expect(await world.db.event.count()).toBe(1)
  })

  it('goes behind those that wait for its address when it is retried', async () => {
    const { id } = await givenAbandoned('ada@example.com')
    await world.givenQueued('ada@example.com', { name: 'Ada II', token: '' })
    await world.administration.retry(id, world.operator)
    const recorder = createRecorder()
    await world.givenWorker(recorder).drain()
    expect(recorder.mails.map(({ subject }) => subject)).toEqual(['Welcome, Ada II', 'Welcome, Ada'])
  })

  it('keeps its contents, encrypted, as long as it is worth sending, and has them erased then', async () => {
    const { id, staleAt } = await givenAbandoned('ada@example.com')
    const contents = async () => (await world.rows())[0]?.encryptedValues
    const erase = () => world.transaction((tx) => world.outboxIn(tx).eraseStale())
    world.pass((staleAt.getTime() - world.clock.now().getTime()) / 1000 - 1)
    expect(await erase()).toBe(0)
    expect(Buffer.from((await contents()) ?? []).toString('latin1')).toMatch(/^(?!.*the-token)./s)
    world.pass(1)
    expect(await world.administration.retry(id, world.operator)).toBe('not_worth_sending')
    expect(await erase()).toBe(1)
    expect(await contents()).toBeNull()
    expect(await world.administration.find(id)).toMatchObject({ status: 'abandoned', lastError: refusal })
  })
})

it('a mail that does not exist is not retried', async () => {
  expect(await world.administration.retry(randomUUID(), world.operator)).toBe('not_found')
  expect(await world.db.event.count()).toBe(0)
})
