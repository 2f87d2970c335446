import { createCleanUp } from '../../src/platform/clean-up.ts'
import { withClient } from '../support/database.ts'
import { givenRegistration, givenResetToken, givenSession, givenUser } from '../support/fixtures.ts'
import { givenManyRows, growingTables } from '../support/many-rows.ts'
import { createMemoryLogger } from '../support/memory-logger.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function rows({ database: { db } } = server) {
  return {
    users: await db.user.count(),
    sessions: await db.session.count(),
    tokens: await db.mailToken.count(),
    mails: await db.outboxMail.count(),
    rateLimits: await db.mailRateLimit.count(),
    registrations: await db.registration.count(),
    events: await db.event.count(),
  }
}

describe('the clean-up', () => {
  it('deletes rows that ended more than 30 days ago, and neither users nor the audit trail', async () => {
    const user = await givenUser(server)
    await givenResetToken(server, user)
    const demanding = await startServer({ ...server.settings, EMAIL_VERIFICATION: 'required' })
    await givenRegistration(demanding)
    await demanding.close()
    const { users, events } = await rows()

    server.pass('29d')
    await server.services.cleanUp.run()
    expect(await rows()).toEqual({ users, sessions: 1, tokens: 3, mails: 3, rateLimits: 0, registrations: 1, events })

    server.pass('40d')
    await server.services.cleanUp.run()
    expect(await rows()).toEqual({ users, sessions: 0, tokens: 0, mails: 0, rateLimits: 0, registrations: 0, events })
  })

  it('deletes the ended sessions of deleted users too', async () => {
    await withServer({}, async (other) => {
      const user = await givenUser(other)
      const { access_token } = await givenSession(other, user)
      await other.send('POST', '/logout', { token: access_token })
      await other.database.db.$executeRaw`DELETE FROM users WHERE id = ${user.id}`
      expect(await other.database.db.session.findMany({ select: { revokedReason: true } })).toEqual([
        { revokedReason: 'logout' },
      ])
      expect((await other.send('GET', '/session', { token: access_token })).status).toBe(401)
      other.pass('31d')
      await other.services.cleanUp.run()
      expect(await other.database.db.session.count()).toBe(0)
    })
  })

  it('deletes each session 30 days after its own end, however long others last', async () => {
    await withServer({ SESSION_LIFETIME: '90d' }, async (other) => {
      const user = await givenUser(other)
      const brief = await startServer({ ...other.settings, SESSION_LIFETIME: '7d' })
      await givenSession(brief, user)
      await brief.close()
      const left = []
      for (const passed of ['36d', '2d', '81d', '2d']) {
        other.pass(passed)
        await other.services.cleanUp.run()
        left.push(await other.database.db.session.count())
      }
      expect(left).toEqual([2, 1, 1, 0])
    })
  })

  it('is tried again after a failure, and not only an hour later', async () => {
    const tried: string[] = []
    const worked = new Promise<void>((resolve) => {
      const cleanUp = createCleanUp({
        transaction: (work) => work({ tryLock: async () => true }),
        clock: server,
        logger: createMemoryLogger([]),
        jobs: [
          [
            'rows of an absent database',
            async () => {
              tried.push('once')
              if (tried.length < 3) throw new Error('the database is away')
              resolve()
              void cleanUp.stop()
              return 0
            },
          ],
        ],
        onEnd: () => undefined,
        retryMs: 1,
      })
      cleanUp.start()
    })
    await worked
    expect(tried).toHaveLength(3)
  })

  it('deletes everything in batches, and leaves what a request holds for the next time', async () => {
    await withServer({}, async (other) => {
      const user = await givenUser(other)
      const { db } = other.database
      await db.$executeRaw`
        INSERT INTO mail_tokens (purpose, target_id, email, token_hash, created_at, expires_at)
        SELECT 'reset_password', 'old ' || number, 'a@b', 'hash ' || number, now(), '2020-01-01'
        FROM generate_series(1, 2500) AS number`
      await withClient(other.settings.DATABASE_URL ?? '', async (holder) => {
        await holder.query(`BEGIN; SELECT FROM mail_tokens WHERE target_id = 'old 1' FOR UPDATE`)
        await other.services.cleanUp.run()
        expect(await db.mailToken.count({ where: { targetId: { not: String(user.id) } } })).toBe(1)
        await holder.query('ROLLBACK')
      })
      await other.services.cleanUp.run()
      expect(await db.mailToken.count({ where: { targetId: { not: String(user.id) } } })).toBe(0)
    })
  })

  it('does each job even if others fail, and logs the failed one by its name', async () => {
    await withServer({}, async (other) => {
      const user = await givenUser(other)
      await givenResetToken(other, user)
      const { db } = other.database
      await db.$executeRaw`CREATE RULE broken AS ON DELETE TO sessions DO INSTEAD SELECT 1 / 0`
      other.pass('70d')
      await other.services.cleanUp.run()
      expect([await db.session.count(), await db.mailToken.count(), await db.outboxMail.count()]).toEqual([1, 0, 0])
      const failures = other.logged.map((line) => JSON.parse(line)).filter(({ job }) => job)
      expect(failures.map(({ level, job }) => [level, job])).toEqual([['warn', 'sessions']])
    })
  })

  it('is left to the instance that is already doing it', async () => {
    await withServer({}, async (other) => {
      await givenUser(other)
      other.pass('70d')
      await withClient(other.settings.DATABASE_URL ?? '', async (busy) => {
        await busy.query('BEGIN; SELECT pg_advisory_xact_lock(72707370)')
        await other.services.cleanUp.run()
        expect(await other.database.db.session.count()).toBe(1)
        await busy.query('COMMIT')
      })
      await other.services.cleanUp.run()
      expect(await other.database.db.session.count()).toBe(0)
    })
  })

  it.each([
    ['where most of its rows are to be deleted', '2020-01-01', true],
    ['where none is', '2100-01-01', false],
  ])('reads no large table from end to end %s', async (_where, instant, areDue) => {
    // Statements one after the other use one connection, whose own counts are complete.
    await withServer({ EVENT_RETENTION: '30d' }, async (other) => {
      const url = other.settings.DATABASE_URL ?? ''
      await givenManyRows(url, { rows: 1500, instant })
      const { db } = other.database
      // A vacuum within the run would make the tables small, and a small one is read from end to end.
      await db.$executeRaw`DO $$ DECLARE name regclass; BEGIN
        FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
          EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', name);
        END LOOP; END $$`
      const countRead = async () => {
        await db.$queryRaw`SELECT pg_stat_force_next_flush()::text`
        return db.$queryRaw<{ table: string; count: number }[]>`
          SELECT relname AS table, seq_tup_read::integer AS count FROM pg_stat_user_tables
          WHERE relname = ANY (${growingTables}) ORDER BY 1`
      }
      const countBefore = await countRead()
      await other.services.cleanUp.run()
      expect(await countRead()).toEqual(countBefore)
      const left = areDue ? 0 : 1500
      expect(await rows(other)).toEqual({
        ...{
          users: 1500,
          sessions: left,
          tokens: left,
          mails: left,
          rateLimits: left,
          registrations: left,
          events: left * 4,
        },
      })
    })
  })
})
