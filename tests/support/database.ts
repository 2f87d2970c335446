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
