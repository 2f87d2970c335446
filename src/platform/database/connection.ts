import type { ClientBase, PoolConfig } from 'pg'
import { DatabaseClient } from './client.ts'
import type { DatabaseSession } from './session.ts'
import { openSession, prismaParameters } from './session.ts'
import { statementName } from './statement-names.ts'

interface StatedConnections {
  /** The options of a pool for such connections. */
  readonly config: Pick<PoolConfig, 'connectionString' | 'application_name' | 'Client' | 'onConnect'>
  /** The schema of the tables; undefined until the first connection is open. */
  readonly schema: () => string | undefined
}

/** Connections that set what the server relies on, whatever the defaults of PostgreSQL or of a pooler. */
export function configuredConnections(url: string): StatedConnections {
  let parameters = prismaParameters(url)
  return {
    config: {
      connectionString: url,
      application_name: 'auth-server',
      Client: StatedClient,
      async onConnect(client: ClientBase) {
        const session = await openSession(client, parameters)
        // A schema that is created later must not move the tables of connections that are opened later.
        parameters = { ...parameters, schema: session.schema }
        if (client instanceof StatedClient) client.session = session
      },
    },
    schema: () => parameters.schema,
  }
}

/** A statement as Prisma's adapter hands it over. */
interface Statement {
  readonly text: string
  readonly name?: string | undefined
}

type Callback = (error: unknown, result?: unknown) => void
type Send = (statement: Statement | string, values?: unknown, callback?: Callback) => unknown

/** A connection that sends Prisma's statements in the way that its session needs. */
class StatedClient extends DatabaseClient {
  session: DatabaseSession | undefined

  // With types that fit each of the forms that this method of `pg` has.
  override query(...args: never[]): never {
    const [statement, values, callback] = args as unknown as Parameters<Send>
    const { session } = this
    // Strings are ours, not Prisma's.
    if (!session || typeof statement === 'string') {
      return super.query(statement as never, values as never, callback as never) as never
    }
    const adapted = adapt(statement, session)
    if (session.needsTransaction && this.getTransactionStatus() === 'I' && statement.text !== begin) {
      return answer(sendInTransaction(super.query.bind(this) as Send, adapted, session), callback) as never
    }
    return super.query(adapted as never, values as never, callback as never) as never
  }
}

/** How Prisma's adapter begins a transaction. */
const begin = 'BEGIN'

function adapt(statement: Statement, { pooled, begin: beginStated }: DatabaseSession): Statement {
  if (!pooled) return { ...statement, name: statementName(statement.text) }
  return statement.text === begin ? { ...statement, text: beginStated } : statement
}

/** Not rolled back after an error: the pool closes the connection, and the transaction ends with it. */
async function sendInTransaction(send: Send, statement: Statement, session: DatabaseSession): Promise<unknown> {
  await send(session.begin)
  const result = await send(statement)
  await send('COMMIT')
  return result
}

/** As a callback where there is one, and as a promise otherwise. */
function answer(result: Promise<unknown>, callback: Callback | undefined): Promise<unknown> | undefined {
  if (!callback) return result
  result.then((value) => callback(undefined, value), callback)
  return undefined
}
