import type { Client } from 'pg'
import { StartError } from '../../kernel/errors.ts'
import { DatabaseClient } from './client.ts'
import { describeFailure } from './failures.ts'
import type { DatabaseSession } from './session.ts'
import { openSession, prismaParameters } from './session.ts'
import type { StartDelays } from './wait.ts'
import { untilReachable } from './wait.ts'

interface OpenedDatabase {
  readonly client: Client
  readonly session: DatabaseSession
}

/** The first connection of a start, or one for long work, with that application_name. Throws a StartError that says why there is none. */
export async function openDatabase(
  url: string,
  delays: StartDelays | undefined,
  name: 'migrations' | 'import' = 'migrations',
): Promise<OpenedDatabase> {
  const connect = () => connectOnce(url, name)
  try {
    return await (delays ? untilReachable(connect, delays) : connect())
  } catch (cause) {
    if (cause instanceof StartError) throw cause
    throw new StartError(
      `The database cannot be reached: ${describeFailure(cause)}. Check DATABASE_URL and that PostgreSQL runs`,
      { cause },
    )
  }
}

async function connectOnce(url: string, name: string): Promise<OpenedDatabase> {
  const client = new DatabaseClient({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: name,
  })
  // A lost connection fails the query in progress as well; unheard, the event would end the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return { client, session: await openSession(client, prismaParameters(url)) }
  } catch (error) {
    void client.end().catch(() => undefined)
    throw error
  }
}
