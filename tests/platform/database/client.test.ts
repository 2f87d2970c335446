import { Socket } from 'node:net'
import { connectDatabase } from '../../../src/platform/database/database.ts'
import { openDjangoPool } from '../../../src/platform/database/django-access.ts'
import { openDatabase } from '../../../src/platform/database/open.ts'
import { openPostgresSource } from '../../../src/platform/django-sources/postgres.ts'
import { emptyDatabase } from '../../support/database.ts'
import { givenDjangoDatabase } from '../../support/django-database.ts'

/** What sockets are told about keepalive during the work: whether, and after how many milliseconds of silence. */
async function keepAliveDuring(work: () => Promise<unknown>): Promise<unknown[][]> {
  const told: unknown[][] = []
  const { setKeepAlive } = Socket.prototype
  Socket.prototype.setKeepAlive = function (...parameters) {
    told.push(parameters)
    return setKeepAlive.apply(this, parameters)
  }
  try {
    await work()
  } finally {
    Socket.prototype.setKeepAlive = setKeepAlive
  }
  return told
}

/** Each of the ways in which connections to a database are opened. */
const ways: Readonly<Record<string, () => Promise<unknown>>> = {
  async requests() {
    const database = connectDatabase({ url: await emptyDatabase(), poolSize: 1 })
    await database.db.$queryRaw`SELECT 1`
    await database.close()
  },
  async 'migrations and imports'() {
    const { client } = await openDatabase(await emptyDatabase(), undefined)
    await client.end()
  },
  async 'requests to the database of Django'() {
    const pool = openDjangoPool(await emptyDatabase())
    await pool.query('SELECT 1')
    await pool.end()
  },
  async 'reading the users of Django'() {
    const { url } = await givenDjangoDatabase()
    const source = await openPostgresSource(url, undefined)
    await source.close()
  },
}

it.each(Object.entries(ways))(
  'a connection for %s finds out within a minute or two that its other side is gone',
  async (_what, open) => {
    const told = await keepAliveDuring(open)
    expect(told.length).toBeGreaterThan(0)
    expect(told.filter(([isOn]) => isOn)).toContainEqual([true, 30_000])
  },
)
