import type { Pool } from 'pg'
import { escapeIdentifier } from 'pg'
import type { DjangoBlacklist } from '../../kernel/django.ts'
import type { Clock, Logger } from '../../kernel/ports.ts'
import { createDjangoAccess } from './django-access.ts'
import { prismaParameters } from './session.ts'

/** The tables of SimpleJWT's app `token_blacklist`. */
export function createDjangoBlacklist({
  pool,
  url,
  clock,
  logger,
}: {
  readonly pool: Pool
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
}): DjangoBlacklist {
  const { schema } = prismaParameters(url)
  const place = schema === undefined ? '' : `${escapeIdentifier(schema)}.`
  const [outstanding, blacklisted] = ['outstanding', 'blacklisted'].map(
    (kind) => `${place}token_blacklist_${kind}token`,
  )
  const access = createDjangoAccess(pool, logger, {
    what: 'the blacklist',
    outage: 'refresh tokens of Django are answered 503',
    lostCommit: 'Django may not know of a token that is spent here, and so accept it',
  })

  return {
    async has(jti) {
      const { rows } = await access.ask(() =>
        pool.query(
          `SELECT 1 FROM ${blacklisted} AS spent JOIN ${outstanding} AS token ON token.id = spent.token_id WHERE token.jti = $1`,
          [jti],
        ),
      )
      return rows.length > 0
    },

    add({ jti, text, issuedAt, expiresAt }, work) {
      return access.around(
        async (client) => {
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
        },
        async (isNew) => (isNew ? work() : undefined),
      )
    },
  }
}
