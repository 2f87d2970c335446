import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../../src/embedded-postgres/start.ts'
import type { ConnectedDatabase } from '../../../src/platform/database/database.ts'
import { connectDatabase } from '../../../src/platform/database/database.ts'
import { isDatabaseUnavailable } from '../../../src/platform/database/unavailability.ts'
import { freshDatabase } from '../../support/database.ts'
import { startDatabaseProxy } from '../../support/database-proxy.ts'

async function withDatabase(work: (database: ConnectedDatabase, url: string) => Promise<void>): Promise<void> {
  const url = await freshDatabase()
  const database = connectDatabase({ url, poolSize: 2 })
  try {
    await work(database, url)
  } finally {
    await database.close()
  }
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

const mail = { recipient: 'ada@example.com', subject: '', text: '', html: '', createdAt: new Date() }

const ping = ({ db }: Pick<ConnectedDatabase, 'db'>) => db.$queryRaw`SELECT 1`

describe('afterCommit', () => {
  it('acts once the transaction is committed, and in order', () =>
    withDatabase(async ({ db, transaction, afterCommit }) => {
      const acted: string[] = []
      await transaction(async (tx) => {
        afterCommit(tx, () => acted.push('first'))
        afterCommit(tx, () => acted.push('second'))
        await tx.mailboxMail.create({ data: mail })
        expect(acted).toEqual([])
      })
      expect(acted).toEqual(['first', 'second'])
      expect(await db.mailboxMail.count()).toBe(1)
    }))

  it('never acts when the transaction is rolled back', () =>
    withDatabase(async ({ db, transaction, afterCommit }) => {
      const acted: string[] = []
      const failure = await failureOf(
        transaction(async (tx) => {
          await tx.mailboxMail.create({ data: mail })
          afterCommit(tx, () => acted.push('never'))
          throw new Error('changed my mind')
        }),
      )
      expect(failure).toEqual(new Error('changed my mind'))
      expect(acted).toEqual([])
      expect(await db.mailboxMail.count()).toBe(0)
    }))

  it('does not act for work that was only padding', () =>
    withDatabase(async ({ transaction, afterCommit, padWork }) => {
      const acted: string[] = []
      await transaction(async (tx) => {
        const act = async (item = 'padding') => afterCommit(tx, () => acted.push(item))
        await padWork(tx, 'first', act)
        await padWork(tx, undefined, act)
        await padWork(tx, 'last', act)
      })
      expect(acted).toEqual(['first', 'last'])
    }))

  it('acts at once outside a transaction', () =>
    withDatabase(async ({ db, afterCommit }) => {
      const acted: string[] = []
      afterCommit(db, () => acted.push('now'))
      expect(acted).toEqual(['now'])
    }))
})

describe('padWork', () => {
  it.each([
    ['keeps what it does for an item', 'ada@example.com', ['ada@example.com']],
    ['does as much without an item, and keeps nothing of it', undefined, []],
  ])('%s', (_promise, item, kept) =>
    withDatabase(async ({ db, transaction, padWork }) => {
      let times = 0
      await transaction((tx) =>
        padWork(tx, item, async (recipient = 'padding@example.com') => {
          times += 1
          await tx.mailboxMail.create({ data: { ...mail, recipient } })
        }),
      )
      expect(times).toBe(1)
      const mails = await db.mailboxMail.findMany()
      expect(mails.map(({ recipient }) => recipient)).toEqual(kept)
    }),
  )
})

it('knows the migrations of the database', () =>
  withDatabase(async ({ appliedMigrations }) => {
    expect(await appliedMigrations()).toContain('20261126000000_create_tables')
  }))

describe('isDatabaseUnavailable', () => {
  it('says yes for a connection that PostgreSQL ends, and the next query works', () =>
    withDatabase(async ({ db }) => {
      const failure = await failureOf(db.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`)
      expect(isDatabaseUnavailable(failure)).toBe(true)
      await ping({ db })
    }))

  it.each(['UPDATE', 'COMMIT'])('says yes for a connection that is reset before %s', async (statement) => {
    const proxy = await startDatabaseProxy(await freshDatabase())
    const database = connectDatabase({ url: proxy.url, poolSize: 1 })
    await ping(database)
    await database.transaction((tx) => tx.mailboxMail.count())
    const failure = await failureOf(
      database.transaction(async (tx) => {
        await tx.$queryRaw`SELECT 1`
        proxy.breakStatement(statement === 'UPDATE' ? 0 : 1, ({ reset }) => {
          reset()
          return 'drop'
        })
        await tx.$executeRaw`UPDATE mailbox_mails SET text = ''`
      }),
    )
    expect(isDatabaseUnavailable(failure)).toBe(true)
    await ping(database)
    await database.close()
    await proxy.cut()
  })

  it('says yes for a machine that does not exist', async () => {
    const database = connectDatabase({ url: 'postgresql://a:b@nowhere.invalid/c', poolSize: 2 })
    expect(isDatabaseUnavailable(await failureOf(ping(database)))).toBe(true)
    expect(isDatabaseUnavailable(await failureOf(database.db.user.count()))).toBe(true)
    await database.close()
  })

  it('says yes for a pool that stays exhausted', async () => {
    const { db, transaction, close } = connectDatabase({
      url: await freshDatabase(),
      poolSize: 1,
      waitLimitMs: 1500,
    })
    await transaction(async () => {
      const failures = await Promise.all(
        [ping({ db }), db.user.count(), transaction(async () => undefined)].map(failureOf),
      )
      expect(failures.map(isDatabaseUnavailable)).toEqual([true, true, true])
    })
    await close()
  })

  it('says no for a query that is wrong', () =>
    withDatabase(async ({ db }) => {
      const data = { uuid: 'no uuid', username: '', usernameKey: '', email: '', joinedAt: new Date() }
      expect(isDatabaseUnavailable(await failureOf(db.user.create({ data })))).toBe(false)
      expect(isDatabaseUnavailable(await failureOf(db.$queryRaw`SELECT nonsense`))).toBe(false)
      expect(isDatabaseUnavailable(new Error('something else'))).toBe(false)
    }))
})

it('closes all connections, also when Prisma has sent nothing', async () => {
  const database = connectDatabase({ url: await freshDatabase(), poolSize: 2 })
  await ping(database)
  await database.close()
  await database.close()
  expect(await failureOf(ping(database))).toEqual(new Error('Cannot use a pool after calling end on the pool'))
})

it('uses a database that comes back, without a new connection of ours', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'comes-back-'))
  const first = await startEmbeddedPostgres({ dataDir })
  const { port } = new URL(first.url)
  const database = connectDatabase({ url: first.url, poolSize: 3 })
  await Promise.all([ping(database), ping(database), ping(database)])
  const interrupted = [
    failureOf(database.db.$queryRaw`SELECT pg_sleep(10)::text`),
    failureOf(
      database.transaction(async (tx) => {
        await tx.$queryRaw`SELECT 1`
        await first.stop()
        await tx.$queryRaw`SELECT 1`
      }),
    ),
  ]
  expect((await Promise.all(interrupted)).map(isDatabaseUnavailable)).toEqual([true, true])
  expect(isDatabaseUnavailable(await failureOf(ping(database)))).toBe(true)

  const second = await startEmbeddedPostgres({ dataDir, parameters: { port } })
  try {
    await ping(database)
  } finally {
    await database.close()
    await second.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
})
