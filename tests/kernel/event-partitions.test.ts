import { runSql } from '../support/catalog.ts'
import { withClient } from '../support/database.ts'
import { givenSession, givenUser } from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

const urlOf = ({ settings }: TestServer) => settings.DATABASE_URL ?? ''

async function partitions(server: TestServer): Promise<string[]> {
  const rows = await runSql<{ name: string }>(
    urlOf(server),
    `SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'events'::regclass ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

/** The name of the partition of a month, that of the instant or another one so many months later. */
function monthOf(instant: Date, later = 0): string {
  const month = new Date(Date.UTC(instant.getUTCFullYear(), instant.getUTCMonth() + later))
  return `events_${month.toISOString().slice(0, 7).replace('-', '_')}`
}

/** The default partition, and those of the months from one to the other, counted from that of the instant. */
function expected(instant: Date, first: number, last: number): string[] {
  const months = Array.from({ length: last - first + 1 }, (_, index) => monthOf(instant, first + index))
  return [...months, 'events_default']
}

/** The number of events in each partition that has one. */
async function counts(server: TestServer): Promise<Record<string, number>> {
  const rows = await runSql<{ name: string; count: number }>(
    urlOf(server),
    'SELECT tableoid::regclass::text AS name, count(*)::integer AS count FROM events GROUP BY 1 ORDER BY 1',
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

const failedJobs = ({ logged }: TestServer) =>
  logged.map((line) => JSON.parse(line).job as string | undefined).filter((job) => job !== undefined)

describe('the partitions of events', () => {
  it('are there for this month and the next three from the migration on, and made as months pass', async () => {
    await withServer({}, async (server) => {
      const start = server.now()
      // The template of the tests may have been migrated at the end of the month before.
      expect(await partitions(server)).toEqual(expect.arrayContaining(expected(start, 0, 2)))
      await givenUser(server)
      expect(Object.keys(await counts(server))).toEqual([monthOf(start)])

      server.pass('62d')
      await server.services.cleanUp.run()
      const later = server.now()
      expect(await partitions(server)).toEqual(expect.arrayContaining(expected(later, 0, 3)))
      await givenUser(server)
      expect(Object.keys(await counts(server))).toEqual([monthOf(start), monthOf(later)])
      expect(failedJobs(server)).toEqual([])
    })
  })

  it('are made once when several servers start the clean-up at the same time', async () => {
    await withServer({}, async (server) => {
      const others = await Promise.all([1, 2, 3].map(() => startServer(server.settings)))
      server.pass('200d')
      await Promise.all([server, ...others].map(({ services }) => services.cleanUp.run()))
      await Promise.all(others.map((other) => other.close()))
      expect(await partitions(server)).toEqual(expect.arrayContaining(expected(server.now(), 0, 3)))
      expect([server, ...others].flatMap(failedJobs)).toEqual([])
    })
  })

  it('have indexes like those of their table', async () => {
    await withServer({}, async (server) => {
      const indexes = await runSql<{ table: string; indexes: string }>(
        urlOf(server),
        `SELECT relname AS table, string_agg(regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', ''), '; ' ORDER BY indisprimary) AS indexes
         FROM pg_class JOIN pg_index ON indrelid = pg_class.oid WHERE relispartition AND relkind = 'r' AND indexrelid::regclass::text <> 'events_default_at_order' GROUP BY 1 ORDER BY 1`,
      )
      expect(indexes.map(({ table }) => table)).toEqual(await partitions(server))
      expect([...new Set(indexes.map((each) => each.indexes))]).toEqual(['brin (at); btree (user_id, at, id)'])
    })
  })

  it('do not have to be there: an event of a month without one is kept, and that month stays where it is', async () => {
    await withServer({}, async (server) => {
      server.pass('400d')
      const user = await givenUser(server)
      expect(await counts(server)).toEqual({ events_default: 2 })

      await server.services.cleanUp.run()
      await givenSession(server, user)
      expect(await counts(server)).toEqual({ events_default: 3 })
      expect(await partitions(server)).toEqual(expect.arrayContaining(expected(server.now(), 1, 3)))
      expect(failedJobs(server)).toEqual([])
    })
  })

  it('are kept for ever unless EVENT_RETENTION is set', async () => {
    await withServer({}, async (server) => {
      await givenUser(server)
      server.pass('4000d')
      await server.services.cleanUp.run()
      expect(Object.values(await counts(server))).toEqual([2])
    })
  })

  it('are dropped once their whole month is older than EVENT_RETENTION, and so are such rows elsewhere', async () => {
    await withServer({ EVENT_RETENTION: '100d' }, async (server) => {
      const start = server.now()
      await givenUser(server)
      await runSql(urlOf(server), `INSERT INTO events (type, at) VALUES ('old', '2001-01-01')`)
      await server.services.cleanUp.run()
      expect(await counts(server)).toEqual({ [monthOf(start)]: 2 })

      // At least 100 days after the last day of that month, and not 100 days after that of the next one.
      server.pass(`${100 + daysLeft(start)}d`)
      await server.services.cleanUp.run()
      expect(await counts(server)).toEqual({})
      expect((await partitions(server))[0]).toBe(monthOf(start, 1))
      expect(failedJobs(server)).toEqual([])
    })
  })

  it('are left for the next time when they are being read, and logins go on', async () => {
    await withServer({ EVENT_RETENTION: '1d' }, async (server) => {
      const start = server.now()
      const user = await givenUser(server)
      server.pass('62d')
      await withClient(urlOf(server), async (dump) => {
        await dump.query('BEGIN; SELECT FROM events')
        await server.services.cleanUp.run()
        expect(failedJobs(server)).toEqual(['events'])
        await givenSession(server, user)
        expect((await counts(server))[monthOf(start)]).toBe(2)
      })
      await server.services.cleanUp.run()
      expect((await counts(server))[monthOf(start)]).toBeUndefined()
    })
  })
})

/** The number of days from the instant until its month is over, rounded up. */
function daysLeft(instant: Date): number {
  const end = Date.UTC(instant.getUTCFullYear(), instant.getUTCMonth() + 1)
  return Math.ceil((end - instant.getTime()) / 86_400_000)
}
