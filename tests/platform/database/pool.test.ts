import { Client } from 'pg'
import type { Db } from '../../../src/kernel/db.ts'
import type { ConnectedDatabase } from '../../../src/platform/database/database.ts'
import { connectDatabase } from '../../../src/platform/database/database.ts'
import { isDatabaseUnavailable } from '../../../src/platform/database/unavailability.ts'
import { breakConnections, freshDatabase, setDefault } from '../../support/database.ts'

async function withDatabase(work: (database: ConnectedDatabase, url: string) => Promise<void>): Promise<void> {
  const url = await freshDatabase()
  const database = connectDatabase({ url, poolSize: 4 })
  try {
    await work(database, url)
  } finally {
    await database.close()
  }
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

const mail = { recipient: 'ada@example.com', subject: '', text: '', html: '', createdAt: new Date() }

/** Starts it at once: a query of Prisma does not start before it is awaited. */
const add = async (tx: Db, id: number, text: string) =>
  await tx.$executeRaw`UPDATE mailbox_mails SET text = text || ${text} WHERE id = ${id}`

/** Two mails, and how often their texts were added to. */
async function givenMails({ db }: ConnectedDatabase): Promise<[number, number]> {
  const [first, second] = [await db.mailboxMail.create({ data: mail }), await db.mailboxMail.create({ data: mail })]
  return [first.id, second.id]
}

async function textsOf({ db }: ConnectedDatabase): Promise<string[]> {
  const mails = await db.mailboxMail.findMany({ orderBy: { id: 'asc' } })
  return mails.map(({ text }) => [...text].sort().join(''))
}

/** Resolves for all callers once so many have called. */
function createMeeting(count: number): () => Promise<void> {
  let arrived = 0
  let open: () => void = () => undefined
  const full = new Promise<void>((resolve) => {
    open = resolve
  })
  return () => {
    arrived += 1
    if (arrived >= count) open()
    return full
  }
}

describe('a transaction that PostgreSQL aborts in favour of another one', () => {
  it('is repeated after a deadlock, and its actions happen once', () =>
    withDatabase(async (database) => {
      const mails = await givenMails(database)
      const meet = createMeeting(2)
      const acted: string[] = []
      let tries = 0
      const crossing = (name: string, [one, other]: readonly [number, number]) =>
        database.transaction(async (tx) => {
          tries += 1
          database.afterCommit(tx, () => acted.push(name))
          await add(tx, one, name)
          await meet()
          await add(tx, other, name)
        })
      await Promise.all([crossing('a', mails), crossing('b', [mails[1], mails[0]])])
      // They meet again when the repeated one takes its first row before the other one has woken.
      expect(tries).toBeGreaterThanOrEqual(3)
      expect(acted.sort()).toEqual(['a', 'b'])
      expect(await textsOf(database)).toEqual(['ab', 'ab'])
    }))

  it('is repeated after a serialization failure, whether it has one statement or several', () =>
    withDatabase(async (database, url) => {
      const [id] = await givenMails(database)
      await setDefault(url, 'default_transaction_isolation', 'repeatable read')
      await breakConnections(url)
      const [holder, watcher] = [new Client({ connectionString: url }), new Client({ connectionString: url })]
      await Promise.all([holder.connect(), watcher.connect()])
      try {
        await holder.query('BEGIN')
        await holder.query(`UPDATE mailbox_mails SET text = 'x' WHERE id = $1`, [id])
        const changes = [
          add(database.db, id, 'a'),
          database.transaction((tx) => add(tx, id, 'b')),
          database.db.mailboxMail.updateMany({ where: { id }, data: { subject: 'c' } }).then(() => undefined),
        ]
        const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
        while ((await watcher.query(waiting)).rowCount !== changes.length);
        await holder.query('COMMIT')
        await Promise.all(changes)
      } finally {
        await Promise.all([holder.end(), watcher.end()])
      }
      expect(await textsOf(database)).toEqual(['abx', ''])
    }))

  it('fails after the last repetition, as if the database were unavailable', () =>
    withDatabase(async (database) => {
      let tries = 0
      const conflict = (tx: Db) => tx.$executeRaw`DO $$ BEGIN RAISE serialization_failure; END $$`
      const failure = await failureOf(
        database.transaction((tx) => {
          tries += 1
          return conflict(tx)
        }),
      )
      expect(tries).toBe(5)
      expect(isDatabaseUnavailable(failure)).toBe(true)
      expect(isDatabaseUnavailable(await failureOf(conflict(database.db)))).toBe(true)
    }))
})
