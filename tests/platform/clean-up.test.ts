import { withClient } from '../support/database.ts'
import { givenRegistration, givenResetToken, givenUser } from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function rows() {
  const { db } = server.database
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

  it('reads no large table from end to end', async () => {
    // Sequential statements use one connection, whose own counts are complete.
    await withServer({}, async (other) => {
      const { id } = await givenUser(other)
      const { db } = other.database
      await db.$executeRaw`
        INSERT INTO sessions (id, user_id, access_lifetime, refresh_lifetime, created_at, rotated_at, last_used_at,
          expires_at, ends_at, ip, user_agent, last_ip, last_user_agent, revoked_at)
        SELECT gen_random_uuid(), ${id}, 1, 1, now(), now(), now(), now() + interval '30 d', now() + interval '30 d', '', '', '', '',
          CASE WHEN number % 2 = 0 THEN now() END
        FROM generate_series(1, 20000) AS number`
      await db.$executeRaw`
        INSERT INTO outbox_mails (id, template, recipient, status, next_attempt_at, created_at, finished_at)
        SELECT gen_random_uuid(), '', '', 'sent', now(), now(), now() FROM generate_series(1, 20000)`
      await db.$executeRaw`ANALYZE`
      const countRead = async () => {
        await db.$queryRaw`SELECT pg_stat_force_next_flush()::text`
        const [row] = await db.$queryRaw<{ count: number }[]>`
          SELECT sum(seq_tup_read)::integer AS count FROM pg_stat_user_tables WHERE relname IN ('sessions', 'outbox_mails')`
        return row?.count
      }
      const countBefore = await countRead()
      await other.services.cleanUp.run()
      expect(await countRead()).toBe(countBefore)
    })
  })
})
