import type { PoolClient } from 'pg'
import { escapeIdentifier } from 'pg'
import type { DjangoBlacklist } from '../../kernel/django.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { Clock, Logger } from '../../kernel/ports.ts'
import { DatabaseClient } from './client.ts'
import { codeOf, messageOf } from './errors.ts'
import { createPool } from './pool.ts'
import { prismaParameters } from './session.ts'

interface ConnectedBlacklist extends DjangoBlacklist {
  readonly close: () => Promise<void>
}

/** How long a connection may take, and then each statement: a database that does not answer is as down as one that cannot be reached. */
const answerLimitMs = 2000
const mostConnections = 8
const retryAfterSeconds = 5

/** The tables of SimpleJWT's app `token_blacklist`. Connections are opened when they are needed. */
export function connectDjangoBlacklist({
  url,
  clock,
  logger,
}: {
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
}): ConnectedBlacklist {
  const { schema } = prismaParameters(url)
  const place = schema === undefined ? '' : `${escapeIdentifier(schema)}.`
  const [outstanding, blacklisted] = ['outstanding', 'blacklisted'].map(
    (kind) => `${place}token_blacklist_${kind}token`,
  )
  const pool = createPool({
    ...{ connectionString: url, application_name: 'auth-server', Client: DatabaseClient, max: mostConnections },
    ...{ connectionTimeoutMillis: answerLimitMs, query_timeout: answerLimitMs },
  })
  const outage = createOutageLog(logger)

  async function ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await question()
      outage.end()
      return answer
    } catch (error) {
      outage.begin(error)
      throw new AuthError(requestErrors.database_unavailable, { retryAfterSeconds })
    }
  }

  return {
    async has(jti) {
      const { rows } = await ask(() =>
        pool.query(
          `SELECT 1 FROM ${blacklisted} AS spent JOIN ${outstanding} AS token ON token.id = spent.token_id WHERE token.jti = $1`,
          [jti],
        ),
      )
      return rows.length > 0
    },

    async add({ jti, text, issuedAt, expiresAt }, work) {
      const client = await ask(() => pool.connect())
      try {
        const isNew = await ask(async () => {
          await client.query('BEGIN')
          // Django lists the tokens of its logins, but not those of its rotations.
          await client.query(
            `INSERT INTO ${outstanding} (jti, token, created_at, expires_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (jti) DO NOTHING`,
            [jti, text, issuedAt, expiresAt],
          )
          const { rowCount } = await client.query(
            `INSERT INTO ${blacklisted} (token_id, blacklisted_at) SELECT id, $2 FROM ${outstanding} WHERE jti = $1
             ON CONFLICT (token_id) DO NOTHING`,
            [jti, clock.now()],
          )
          return rowCount === 1
        })
        const result = isNew ? await work() : undefined
        await commit(client)
        return result
      } catch (error) {
        // Without its connection the transaction is rolled back.
        client.release(true)
        throw error
      }
    },

    close: () => pool.end(),
  }

  /** Where this commit fails, the session here stays. Committed first, the token could be spent without a session. */
  async function commit(client: PoolClient): Promise<void> {
    try {
      await client.query('COMMIT')
      client.release()
    } catch (error) {
      client.release(true)
      logger.warn({ reason: reasonOf(error) }, 'Django may not know of a token that is spent here, and so accept it')
    }
  }
}

/** Tells of an outage once, when it begins, and once more when it is over. */
function createOutageLog(logger: Logger): { begin: (cause: unknown) => void; end: () => void } {
  let isDown = false
  return {
    begin(cause) {
      if (isDown) return
      isDown = true
      logger.warn(
        { reason: reasonOf(cause) },
        'the blacklist in the database of DJANGO_DATABASE_URL cannot be asked: until it can, refresh tokens of Django are answered 503',
      )
    },
    end() {
      if (!isDown) return
      isDown = false
      logger.warn({}, 'the blacklist in the database of DJANGO_DATABASE_URL answers again')
    },
  }
}

/** What PostgreSQL says; of other errors the code, as their messages can hold parts of the address. */
function reasonOf(error: unknown): string {
  const code = codeOf(error)
  if (/^[0-9A-Z]{5}$/.test(code)) return messageOf(error)
  return code === 'undefined' ? 'no answer' : code
}
