import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { runSql } from './catalog.ts'

/** A timeout for connections that a slow machine does not reach, so that no race is cut short. */
export const patientLimits = { waitLimitMs: 60_000, queryLimitMs: 60_000, transactionLimitMs: 60_000 }

/** A migrated database for one test; returns its address. */
export function freshDatabase(): Promise<string> {
  return createDatabase('template_migrated')
}

/** A database without a table. */
export function emptyDatabase(): Promise<string> {
  return createDatabase('template0')
}

export interface OwnRole {
  /** The address of a database whose only tables are those of another program in `public`. */
  readonly url: string
  /** The same for the superuser. */
  readonly adminUrl: string
  readonly name: string
}

/** An ordinary role that may create schemas in a database of its own. */
export async function givenOwnRole(): Promise<OwnRole> {
  const adminUrl = await emptyDatabase()
  const name = `role_${randomBytes(8).toString('hex')}`
  await runSql(
    adminUrl,
    `CREATE ROLE ${name} LOGIN PASSWORD '${name}';
     GRANT CREATE ON DATABASE ${nameOf(adminUrl)} TO ${name};
     CREATE TABLE public.users (other text); CREATE TABLE public._prisma_migrations (migration_name text);`,
  )
  const url = new URL(adminUrl)
  url.username = name
  url.password = name
  return { url: url.href, adminUrl, name }
}

/** Sets the defaults of a database. */
export async function setDefaults(url: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const statements = Object.entries(settings).map(
    ([name, value]) => `ALTER DATABASE ${nameOf(url)} SET ${name} TO '${value}'`,
  )
  await runSql(url, statements.join(';'))
}

const nameOf = (url: string) => new URL(url).pathname.slice(1)

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

/** Another connection to the database during the work. */
export async function withClient<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Statements that each new connection runs first. */
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
