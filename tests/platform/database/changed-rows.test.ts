import { Client } from 'pg'
import type { Mark } from '../../../src/platform/database/changed-rows.ts'
import { selectChanges } from '../../../src/platform/database/changed-rows.ts'
import { emptyDatabase } from '../../support/database.ts'

const table = { name: 'auth_user', oid: 1, primaryKey: 'id', isView: false }
const epoch = 2n ** 32n

let client: Client
beforeAll(async () => {
  client = new Client({ connectionString: await emptyDatabase() })
  await client.connect()
})
afterAll(() => client.end())

const select = async (since?: Mark) => selectChanges(client, table, { since, again: [] })

/** Which of these would be read again, had so many transactions passed since it was written, and a hundred since the mark. */
async function newOf(agesOfRows: readonly bigint[]): Promise<bigint[]> {
  const { mark } = await select()
  const { isNew } = await select({ ...mark, transaction: mark.transaction - 100n })
  const xids = agesOfRows.map((age) => `'${(mark.transaction - age + epoch) % epoch}'::xid`)
  const { rows } = await client.query<{ index: number }>(
    `SELECT index - 1 AS index FROM unnest(ARRAY[${xids}]) WITH ORDINALITY AS row(xmin, index) WHERE ${isNew?.('row')}`,
  )
  return rows.map(({ index }) => agesOfRows[Number(index)] as bigint)
}

describe('selectChanges', () => {
  it('takes what was written since the mark, and nothing older, also not what is billions of transactions old', async () => {
    const [ages, older] = [
      [1n, 50n, 100n],
      [150n, epoch / 2n - 10_000n, epoch / 2n + 10_000n, epoch - 10_000n],
    ]
    expect(await newOf([...ages, ...older])).toEqual(ages)
  })

  it.each<[string, (mark: Mark) => Partial<Mark>]>([
    [
      'so old that numbers cannot be compared with it',
      ({ transaction }) => ({ transaction: transaction - epoch / 2n }),
    ],
    ['of a time to come', ({ transaction }) => ({ transaction: transaction + 1_000_000n })],
    ['of another place', () => ({ place: 'another' })],
  ])('takes all with a mark %s', async (_, changed) => {
    const { mark } = await select()
    expect((await select(mark)).isNew).toBeDefined()
    expect((await select({ ...mark, ...changed(mark) })).isNew).toBeUndefined()
  })
})
