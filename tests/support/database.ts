import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** A migrated database that nobody else uses; returns its address. */
export function freshDatabase(): Promise<string> {
  return createDatabase('template_migrated')
}

/** A database without a single table. */
export function emptyDatabase(): Promise<string> {
  return createDatabase('template0')
}

async function createDatabase(template: string): Promise<string> {
  const server = process.env.TEST_POSTGRES_URL
  if (!server) throw new Error('the tests run under jest, whose global set-up starts PostgreSQL')
  const name = `test_${randomBytes(8).toString('hex')}`
  const admin = new Client({ connectionString: server })
  await admin.connect()
  try {
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  } finally {
    await admin.end()
  }
  return server.replace(/[^/]+$/, name)
}

/** Another connection to the database, for as long as the work lasts. */
async function withClient<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** What the connections that are opened from now on begin with. */
export function setDefault(url: string, setting: string, value: string): Promise<void> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
    await client.query('SET default_transaction_read_only = off')
    await client.query(`ALTER DATABASE ${rows[0]?.name} SET ${setting} = '${value}'`)
  })
}

/** Breaks all other connections to the database. */
export async function breakConnections(url: string): Promise<void> {
  await withClient(url, (client) =>
    client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    ),
  )
}
