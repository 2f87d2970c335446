import type { Pool } from 'pg'
import { escapeIdentifier } from 'pg'
import type { DjangoPasswords } from '../../kernel/django.ts'
import type { Logger } from '../../kernel/ports.ts'
import { createDjangoAccess } from './django-access.ts'
import { findDjangoUsers, setSchemaOf } from './django-users.ts'

/** The column `password` of Django's table of users. */
export function createDjangoPasswords({
  pool,
  url,
  table,
  logger,
}: {
  readonly pool: Pool
  readonly url: string
  /** Absent: the one that has the columns of such a table. */
  readonly table: string | undefined
  readonly logger: Logger
}): DjangoPasswords {
  const setSchema = setSchemaOf(url)
  const access = createDjangoAccess(pool, logger, {
    what: 'the table of users',
    outage: 'new passwords of imported users are answered 503',
    lostCommit: 'Django may not know of a password that has changed here, and so accept the one before',
  })

  return {
    write({ djangoId, names }, hash, work) {
      return access.around(async (client) => {
        if (setSchema !== '') await client.query(setSchema)
        const { name, primaryKey } = await findDjangoUsers(client, table)
        // The key alone may be that of another user, where the database is another one than that of the import.
        // PostgreSQL puts both sides into lower case, as JavaScript has another lower case for some letters.
        const { rowCount } = await client.query(
          `UPDATE ${escapeIdentifier(name)} AS theirs SET password = $2 WHERE ${escapeIdentifier(primaryKey)} = $1
             AND EXISTS (SELECT FROM jsonb_each(to_jsonb(theirs)), unnest($3::text[]) AS name
               WHERE jsonb_typeof(value) = 'string' AND lower(value #>> '{}') = lower(name))`,
          [djangoId, hash, names],
        )
        if (rowCount === 0) logger.warn({ djangoId }, 'Django has no such user any more, and gets no new password')
      }, work)
    },
  }
}
