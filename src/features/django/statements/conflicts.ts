import { sql } from '../../../kernel/db.ts'
import type { Problem } from '../problems.ts'
import type { ImportDb } from './staging.ts'

/**
 * Notes on each staged user the first rule that the user breaks. Of several who want the same, the one who is here already is taken, else
 * the one who logged in last.
 *
 * It gains: all users are compared with all others and with those here in a few statements. It costs: it reads the table `users` of another
 * feature, and its unique columns have to be named here.
 */
export async function markConflicts(db: ImportDb): Promise<void> {
  await markRepeated(db, sql`django_id`, 'id_repeated')
  await markInUse(db, sql`NOT is_known AND taken.id = staged.wanted_id`, 'id_in_use')
  await markRepeated(db, sql`uuid`, 'uuid_in_use')
  await markInUse(db, sql`NOT is_known AND taken.uuid = staged.uuid`, 'uuid_in_use')
  await markInUse(db, sql`taken.email = staged.email`, 'email_in_use')
  await markRepeated(db, sql`email`, 'email_repeated')
  await markInUse(db, sql`taken.username_key = staged.username_key`, 'username_in_use')
  await markRepeated(db, sql`username_key`, 'username_repeated')
}

function markInUse(db: ImportDb, isSame: ReturnType<typeof sql>, problem: Problem) {
  return db.$executeRaw`
    UPDATE staged_users AS staged SET problem = ${problem} FROM users AS taken
    WHERE staged.problem IS NULL AND ${isSame} AND taken.id IS DISTINCT FROM staged.user_id`
}

function markRepeated(db: ImportDb, column: ReturnType<typeof sql>, problem: Problem) {
  return db.$executeRaw`
    UPDATE staged_users AS staged SET problem = ${problem} FROM (
      SELECT position, row_number() OVER (
        PARTITION BY ${column} ORDER BY is_known DESC, last_login_at DESC NULLS LAST, position) AS place
      FROM staged_users WHERE problem IS NULL
    ) AS ranked
    WHERE ranked.place > 1 AND staged.position = ranked.position`
}
