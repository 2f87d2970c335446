import type { Db, User } from '../../../kernel/db.ts'
import type { JsonRow } from '../../user/index.ts'
import { userOf } from '../../user/index.ts'

/**
 * The user who had this primary key at Django; null when none was imported. A user whose id here is the same may be another one.
 *
 * It gains: one statement, as each request with an access token of Django does this. It costs: it reads the tables of imported users
 * and of users.
 */
export async function findDjangoUser(db: Db, djangoId: string): Promise<User | null> {
  const [row] = await db.$queryRaw<{ user: JsonRow<User> }[]>`
    SELECT row_to_json(users) AS "user"
    FROM django_users JOIN users ON users.id = django_users.user_id
    WHERE django_users.django_id = ${djangoId}`
  return row ? userOf(row.user) : null
}
