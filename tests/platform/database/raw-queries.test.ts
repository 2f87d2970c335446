import { randomUUID } from 'node:crypto'
import { sql } from '../../../src/kernel/db.ts'
import type { ConnectedDatabase } from '../../../src/platform/database/database.ts'
import { connectDatabase } from '../../../src/platform/database/database.ts'
import { freshDatabase } from '../../support/database.ts'

let database: ConnectedDatabase
beforeAll(async () => {
  database = connectDatabase({ url: await freshDatabase(), poolSize: 2 })
})
afterAll(() => database.close())

/** Both ways of one statement: by `pg`, outside of transactions, and by Prisma's client, inside one. */
async function bothWays<Result>(work: (db: ConnectedDatabase['db']) => Promise<Result>): Promise<[Result, Result]> {
  return [await work(database.db), await database.transaction((tx) => work(tx))]
}

describe('a raw statement', () => {
  it.each([
    ['a number', sql`42::integer`, 42],
    ['a large number', sql`9007199254740993::bigint`, 9007199254740993n],
    ['a fraction', sql`1.5::float8`, 1.5],
    ['a truth', sql`true`, true],
    ['nothing', sql`NULL::timestamptz`, null],
    ['a text', sql`'naïve'::text`, 'naïve'],
    ['a UUID', sql`'7c9e6679-7425-40de-944b-e07fc1f90ae7'::uuid`, '7c9e6679-7425-40de-944b-e07fc1f90ae7'],
    ['JSON', sql`'{"reason": "logout"}'::jsonb`, { reason: 'logout' }],
    ['a list', sql`ARRAY['a', 'b']`, ['a', 'b']],
    ['an instant', sql`'2026-11-26 23:59:58.123Z'::timestamptz`, new Date('2026-11-26T23:59:58.123Z')],
    ['an instant in another zone', sql`'2026-11-27 01:00:00+02'::timestamptz`, new Date('2026-11-26T23:00:00Z')],
    ['tenths of a second', sql`'2026-11-26 00:00:00.5Z'::timestamptz`, new Date('2026-11-26T00:00:00.5Z')],
    ['hundredths of a second', sql`'2026-11-26 00:00:00.05Z'::timestamptz`, new Date('2026-11-26T00:00:00.05Z')],
    ['an instant long ago', sql`'0099-01-01 00:00:00Z'::timestamptz`, new Date('0099-01-01T00:00:00Z')],
  ])('reads %s alike inside and outside of a transaction', async (_name, value, expected) => {
    const rows = await bothWays((db) => db.$queryRaw<{ value: unknown }[]>`SELECT ${value} AS value`)
    expect(rows).toEqual([[{ value: expected }], [{ value: expected }]])
  })

  it('sends values alike inside and outside of a transaction', async () => {
    const values = {
      at: new Date('2026-11-26T23:59:58.007Z'),
      list: ["it's", '"quoted", {braced}'],
      none: null,
      no: false,
    }
    const rows = await bothWays(
      (db) => db.$queryRaw<object[]>`
        SELECT ${values.at}::timestamptz AS at, ${values.list}::text[] AS list, ${values.none}::text AS none,
          ${values.no}::boolean AS no`,
    )
    expect(rows).toEqual([[values], [values]])
  })

  it('says how many rows it changed', async () => {
    const mail = () => sql`(${randomUUID()}, '', '', '', now())`
    const counts = await bothWays(
      (db) => db.$executeRaw`
        INSERT INTO mailbox_mails (recipient, subject, text, html, created_at) VALUES ${mail()}, ${mail()}`,
    )
    expect(counts).toEqual([2, 2])
    expect(await bothWays((db) => db.$executeRaw`DELETE FROM mailbox_mails WHERE false`)).toEqual([0, 0])
  })
})
