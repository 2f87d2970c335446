import type { Db } from '../../../src/kernel/db.ts'
import type { Mailer } from '../../../src/kernel/ports.ts'
import { MailContentsRefused, MailRefused } from '../../../src/kernel/ports.ts'
import { createMailWorld, createRecorder, invitation } from '../../support/mail-world.ts'

let world: Awaited<ReturnType<typeof createMailWorld>>
beforeEach(async () => {
  world = await createMailWorld()
})
afterEach(() => world.close())

const ada = 'ada@example.com'
const named = (name: string) => ({ name, token: 'the-token' })
const subjects = ({ mails }: ReturnType<typeof createRecorder>) => mails.map(({ subject }) => subject)
const statuses = async () => (await inOrder()).map(({ status }) => status)
const inOrder = () => world.db.outboxMail.findMany({ orderBy: { sequence: 'asc' } })

/** A mailer that fails with the error while there is one, and keeps the subjects of what it was given. */
function givenMailer(failure: (subject: string) => Error | undefined) {
  const recorder = createRecorder()
  const tried: string[] = []
  const mailer: Mailer = {
    async send(mail) {
      tried.push(mail.subject)
      const error = failure(mail.subject)
      if (error) throw error
      await recorder.send(mail)
    },
  }
  return { mailer, tried, recorder }
}

describe('mails to one address', () => {
  it('are sent in the order in which they were queued, also by two workers, one at a time', async () => {
    const people = Array.from({ length: 10 }, (_, index) => `user${index}@example.com`)
    for (const number of ['1', '2', '3']) {
      for (const address of people) await world.givenQueued(address, named(number))
    }
    const sending = new Set<string>()
    const sent: Record<string, string[]> = {}
    const mailer: Mailer = {
      async send({ recipient, subject }) {
        expect(sending).not.toContain(recipient)
        sending.add(recipient)
        await world.db.$queryRaw`SELECT 1 FROM pg_sleep(0.002)`
        sending.delete(recipient)
        sent[recipient] = [...(sent[recipient] ?? []), subject]
      },
    }
    const workers = [world.givenWorker(mailer), world.givenWorker(mailer)]
    while ((await statuses()).includes('queued')) await Promise.all(workers.map((worker) => worker.drain()))
    const all = ['Welcome, 1', 'Welcome, 2', 'Welcome, 3']
    expect(sent).toEqual(Object.fromEntries(people.map((address) => [address, all])))
    expect(world.logged.filter((line) => !('message' in line && line.message === 'mail sent'))).toEqual([])
  })

  it('wait for one that another worker is sending', async () => {
    await world.givenQueued(ada, named('1'))
    const [first] = await world.queue.claim(8)
    await world.givenQueued(ada, named('2'))
    expect(await world.queue.claim(8)).toEqual([])
    if (!first) throw new Error('nothing was claimed')
    await world.queue.settle(first, { status: 'sent' })
    expect(await world.queue.claim(8)).toHaveLength(1)
  })

  it('are all sent by a worker that empties the outbox, also when one ends while others are looked for', async () => {
    await world.givenQueued(ada, named('1'))
    await world.givenQueued(ada, named('2'))
    await world.givenQueued('bob@example.com')
    let answer = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    let claims = 0
    const db = new Proxy<Db>(world.db, {
      get(target, name) {
        if (name !== '$queryRaw') return Reflect.get(target, name)
        return async (...query: Parameters<Db['$queryRaw']>) => {
          const claimed = await target.$queryRaw(...query)
          claims += 1
          if (claims === 2) {
            answer()
            while ((await statuses())[0] !== 'sent');
            await new Promise(setImmediate)
          }
          return claimed
        }
      },
    })
    const recorder = createRecorder()
    const mailer: Mailer = {
      async send(mail) {
        await (mail.subject === 'Welcome, 1' ? answered : undefined)
        await recorder.send(mail)
      },
    }
    await world.givenWorker(mailer, { db }).drain()
    expect(await statuses()).toEqual(['sent', 'sent', 'sent'])
  })

  it('do not wait for mails to other addresses', async () => {
    await world.givenQueued(ada)
    await world.queue.claim(8)
    await world.givenQueued('bob@example.com')
    expect(await world.queue.claim(8)).toMatchObject([{ recipient: 'bob@example.com' }])
  })

  it('are tried again together: one that is due has the older tried before it, however long that was to wait', async () => {
    let isAway = true
    const { mailer, tried, recorder } = givenMailer(() => (isAway ? new Error('connect ECONNREFUSED') : undefined))
    const worker = world.givenWorker(mailer)
    await world.givenQueued(ada, named('1'))
    for (let minutes = 0; minutes < 120; minutes += 1) {
      await worker.drain()
      world.pass(60)
    }
    await world.givenQueued(ada, named('2'))
    tried.length = 0
    await worker.drain()
    expect(tried).toEqual(['Welcome, 1'])
    expect(await inOrder()).toMatchObject([{}, { status: 'queued', attempts: 1, lastError: 'connect ECONNREFUSED' }])
    isAway = false
    // The younger mail waits for half a minute after its first attempt, the older one for half an hour by now.
    world.pass(30)
    await worker.drain()
    expect(subjects(recorder)).toEqual(['Welcome, 1', 'Welcome, 2'])
  })

  it('do not wait for one that is given up', async () => {
    const { mailer, recorder } = givenMailer((subject) =>
      subject === 'Welcome, 1' ? new MailRefused('550 5.1.1 no') : undefined,
    )
    await world.givenQueued(ada, named('1'))
    await world.givenQueued(ada, named('2'))
    await world.givenWorker(mailer).drain()
    expect(await statuses()).toEqual(['abandoned', 'sent'])
    expect(subjects(recorder)).toEqual(['Welcome, 2'])
  })

  it('do not wait for one whose contents the mail server refuses', async () => {
    const { mailer, recorder } = givenMailer((subject) =>
      subject === 'Welcome, 1' ? new MailContentsRefused('554 spam') : undefined,
    )
    await world.givenQueued(ada, named('1'))
    await world.givenQueued(ada, named('2'))
    const worker = world.givenWorker(mailer)
    await worker.drain()
    expect(await statuses()).toEqual(['queued', 'sent'])
    expect(subjects(recorder)).toEqual(['Welcome, 2'])
    world.pass(29.9)
    expect(await inOrder()).toMatchObject([{ attempts: 1, lastError: '554 spam' }, {}])
  })

  it('do not wait for one that no instance here can write', async () => {
    await world.givenQueued(ada, named('1'))
    await world.db.outboxMail.updateMany({ data: { template: 'of a later version' } })
    await world.givenQueued(ada, named('2'))
    const recorder = createRecorder()
    await world.givenWorker(recorder).drain()
    expect(await statuses()).toEqual(['queued', 'sent'])
  })

  it('do not keep one that is too old waiting for its turn', async () => {
    await world.givenQueued(ada, named('1'))
    await world.queue.claim(8)
    await world.givenQueued(ada, named('2'))
    await world.db.outboxMail.updateMany({ where: { attempts: 0 }, data: { staleAt: world.clock.now() } })
    await world.givenWorker(createRecorder()).drain()
    expect(await statuses()).toEqual(['queued', 'dropped'])
  })
})

describe('a mail with a link', () => {
  it('is dropped when a newer one has replaced its token, without an error in the log', async () => {
    await world.givenQueuedLink(ada, '1')
    await world.givenQueuedLink(ada, '2')
    const recorder = createRecorder()
    await world.givenWorker(recorder).drain()
    expect(subjects(recorder)).toEqual(['Welcome, 2'])
    const reason = 'its link was used, or replaced by a newer one'
    expect(await inOrder()).toMatchObject([
      { status: 'dropped', lastError: reason, encryptedValues: null, finishedAt: world.clock.now() },
      { status: 'sent' },
    ])
    expect(world.logged).toMatchObject([{ level: 'info', reason, template: invitation.name }, { level: 'info' }])
  })

  it('is dropped when its token was used before the mail could be sent', async () => {
    const token = await world.givenQueuedLink(ada, '1')
    await world.tokens.spend({ purpose: 'verify_email', token })
    const recorder = createRecorder()
    await world.givenWorker(recorder).drain()
    expect([recorder.mails.length, await statuses()]).toEqual([0, ['dropped']])
  })

  it('is sent while its token is valid', async () => {
    await world.givenQueuedLink(ada, '1')
    const recorder = createRecorder()
    await world.givenWorker(recorder).drain()
    expect(recorder.mails).toHaveLength(1)
  })
})
