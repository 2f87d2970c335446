import type { Sql } from '../../../kernel/db.ts'
import { sql } from '../../../kernel/db.ts'
import type { ImportDb } from './staging.ts'

/** What Django has now, if it differs from what Django had and users have not changed it here; else what is here. */
const merged = (column: Sql, name: string) => sql`
  CASE WHEN staged.profile->>${name}::text IS DISTINCT FROM known.profile->>${name}::text
    AND ours.${column}::text IS NOT DISTINCT FROM known.profile->>${name}::text
  THEN staged.${column} ELSE ours.${column} END`

const takesActive = sql`(staged.is_active::text <> known.profile->>'is_active'
  AND (ours.disabled_at IS NULL)::text = known.profile->>'is_active')`
const username = merged(sql`username`, 'username')
const email = merged(sql`email`, 'email')
const phoneNumber = merged(sql`phone_number`, 'phone_number')

/** A key that Django, or a second service, has given to another user: neither the username nor the address is the one that was imported. */
const isAnother = sql`(staged.profile->>'username' <> known.profile->>'username' AND staged.username_key <> ours.username_key
  AND staged.profile->>'email' <> known.profile->>'email' AND staged.email <> ours.email)`

/**
 * Finds the users that earlier imports brought, and replaces what is staged of them by what they are to be. Notes which passwords are
 * taken: those that are new at Django, where the one here is still the one that was taken before.
 *
 * It gains: all users are compared in a few statements. It costs: it reads tables of other features (users, passwords), and new columns
 * that are imported have to be named here.
 */
export async function mergeKnownUsers(db: ImportDb): Promise<void> {
  await db.$executeRaw`
    UPDATE staged_users AS staged SET user_id = ours.id, is_known = true,
      username = CASE WHEN staged.problem LIKE 'username%' THEN ours.username ELSE ${username} END,
      email = CASE WHEN staged.problem LIKE 'email%' THEN ours.email ELSE ${email} END,
      verified = CASE WHEN staged.problem LIKE 'email%' OR ${email} = ours.email
        THEN ours.email_verified_at IS NOT NULL OR staged.verified AND staged.email = ours.email ELSE staged.verified END,
      first_name = ${merged(sql`first_name`, 'first_name')},
      last_name = ${merged(sql`last_name`, 'last_name')},
      display_name = ${merged(sql`display_name`, 'display_name')},
      phone_number = ${phoneNumber},
      phone_number_verified = CASE WHEN ${phoneNumber} <> staged.phone_number THEN ours.phone_number_verified
        WHEN ours.phone_number <> staged.phone_number THEN staged.phone_number_verified
        ELSE ${merged(sql`phone_number_verified`, 'phone_number_verified')} END,
      timezone = ${merged(sql`timezone`, 'timezone')},
      is_staff = ${merged(sql`is_staff`, 'is_staff')},
      is_superuser = ${merged(sql`is_superuser`, 'is_superuser')},
      is_practitioner = ${merged(sql`is_practitioner`, 'is_practitioner')},
      is_active = CASE WHEN ${takesActive} THEN staged.is_active ELSE ours.disabled_at IS NULL END,
      takes_active = ${takesActive},
      takes_password = staged.hash_digest <> known.hash_digest AND passwords.version = known.password_version
        AND encode(sha256(convert_to(passwords.hash, 'UTF8')), 'hex') = known.hash_digest,
      problem = CASE WHEN ${isAnother} THEN 'id_of_another' END
    FROM django_users AS known
    JOIN users AS ours ON ours.id = known.user_id
    JOIN passwords ON passwords.user_id = ours.id
    WHERE known.django_id = staged.django_id`
  // A username that is not taken keeps the key that it has.
  await db.$executeRaw`
    UPDATE staged_users AS staged SET
      username_key = CASE WHEN staged.username = ours.username THEN ours.username_key ELSE staged.username_key END,
      takes_profile = (${columnsOf(sql`staged`)}, staged.is_active, staged.verified)
        IS DISTINCT FROM (${columnsOf(sql`ours`)}, ours.disabled_at IS NULL, ours.email_verified_at IS NOT NULL)
    FROM users AS ours WHERE staged.is_known AND ours.id = staged.user_id`
}

const columnsOf = (table: Sql) => sql`${table}.username, ${table}.email, ${table}.first_name, ${table}.last_name,
  ${table}.display_name, ${table}.phone_number, ${table}.phone_number_verified, ${table}.timezone, ${table}.is_staff,
  ${table}.is_superuser, ${table}.is_practitioner`
