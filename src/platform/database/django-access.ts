import type { Pool, PoolClient } from 'pg'
import { AuthError, requestErrors, StartError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/ports.ts'
import { DatabaseClient } from './client.ts'
import { codeOf, messageOf } from './errors.ts'
import { createPool } from './pool.ts'

/** What requests do in the database of Django. All of it throws `database_unavailable` while that does not answer. */
export interface DjangoAccess {
  ask<Answer>(question: () => Promise<Answer>): Promise<Answer>
  /**
   * Writes there and does the work in one transaction there, which is committed last: a work that fails leaves everything there as it was.
   */
  around<Written, Result>(
    write: (client: PoolClient) => Promise<Written>,
    work: (written: Written) => Promise<Result>,
  ): Promise<Result>
}

/** What the log says of one use of the database. */
interface Words {
  readonly what: string
  /** What does not work during an outage. */
  readonly outage: string
  /** What may be wrong when the commit there is lost. */
  readonly lostCommit: string
}

/** How long a connection may take, and then each statement: a database that does not answer is as down as one that cannot be reached. */
const answerLimitMs = 2000
const mostConnections = 8
/**
 * PostgreSQL does not notice that a connection is closed while its statement waits for a lock, nor that this machine is gone: without limits there,
 * it would go on waiting and locking. The work here takes less than two minutes.
 */
const begin = `BEGIN; SET LOCAL statement_timeout = ${answerLimitMs}; SET LOCAL idle_in_transaction_session_timeout = '2min'`
const retryAfterSeconds = 5

/** Connections are opened when they are needed. */
export function openDjangoPool(url: string): Pool {
  const pool = createPool({
    ...{ connectionString: url, application_name: 'auth-server', Client: DatabaseClient, max: mostConnections },
    ...{ connectionTimeoutMillis: answerLimitMs, query_timeout: answerLimitMs },
  })
  // One that breaks during the work here fails its next statement as well; unheard, the event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

export function createDjangoAccess(pool: Pool, logger: Logger, { what, outage, lostCommit }: Words): DjangoAccess {
  let isDown = false

  /** Tells of an outage once, when it begins, and once more when it is over. */
  async function ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await question()
      if (isDown) logger.warn({}, `${what} in the database of DJANGO_DATABASE_URL answers again`)
      isDown = false
      return answer
    } catch (error) {
      const sentence = `${what} in the database of DJANGO_DATABASE_URL cannot be asked: until it can, ${outage}`
      if (!isDown) logger.warn({ reason: reasonOf(error) }, sentence)
      isDown = true
      throw new AuthError(requestErrors.database_unavailable, { retryAfterSeconds })
    }
  }

  /** Where this commit fails, the work is done all the same. Committed first, it might be noted there and not be done. */
  async function commit(client: PoolClient): Promise<void> {
    try {
      await client.query('COMMIT')
      client.release()
    } catch (error) {
      client.release(true)
      logger.warn({ reason: reasonOf(error) }, lostCommit)
    }
  }

  return {
    ask,
    async around(write, work) {
      const client = await ask(() => pool.connect())
      try {
        const written = await ask(async () => {
          await client.query(begin)
          return write(client)
        })
        const result = await work(written)
        await commit(client)
        return result
      } catch (error) {
        // Without its connection the transaction is rolled back.
        client.release(true)
        throw error
      }
    },
  }
}

/** What PostgreSQL says; of other errors the code, as their messages can hold parts of the address. */
function reasonOf(error: unknown): string {
  const code = codeOf(error)
  if (error instanceof StartError || /^[0-9A-Z]{5}$/.test(code)) return messageOf(error)
  return code === 'undefined' ? 'no answer' : code
}
