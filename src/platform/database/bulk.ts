import type { Db } from '../../kernel/db.ts'
import { openDatabase } from './open.ts'
import { createRawQueries } from './raw-queries.ts'

/** One transaction on a connection of its own, without limits of time, for statements about all rows of a table. */
export interface BulkTransaction {
  readonly db: Pick<Db, '$queryRaw' | '$executeRaw'>
  readonly commit: () => Promise<void>
  /** Ends the connection. What was not committed is rolled back. */
  readonly close: () => Promise<void>
}

export async function openBulkTransaction(url: string): Promise<BulkTransaction> {
  const { client, session } = await openDatabase(url, undefined, 'import')
  await client.query(session.beginMigration)
  // A source may take minutes from one batch to the next.
  await client.query('SET LOCAL idle_in_transaction_session_timeout = 0')
  return {
    db: createRawQueries(client),
    commit: async () => void (await client.query('COMMIT')),
    close: () => client.end(),
  }
}
