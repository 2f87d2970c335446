import type { Caller } from '../../../kernel/caller.ts'
import { operatorDetails } from '../../../kernel/events.ts'
import { firstVersion } from '../../password/index.ts'
import { djangoEvents } from '../events.ts'
import type { ImportDb } from './staging.ts'

/**
 * Makes the users that are staged without a problem and are not here yet.
 *
 * It gains: a million users take a minute or two instead of an hour. It costs: it writes the tables of other features (users,
 * passwords, events), so a new column of theirs without a default has to be added here.
 */
export async function takeNewUsers(db: ImportDb, now: Date, caller: Caller): Promise<void> {
  await keepIdsFree(db)
  await db.$executeRaw`
    UPDATE staged_users SET user_id = coalesce(wanted_id, nextval('users_id_seq'))
    WHERE problem IS NULL AND NOT is_known`
  await db.$executeRaw`
    INSERT INTO users (id, uuid, username, username_key, email, email_verified_at, first_name, last_name, display_name,
      phone_number, phone_number_verified, timezone, disabled_at, is_staff, is_superuser, is_practitioner, last_login_at, joined_at)
    SELECT user_id, uuid, username, username_key, email, CASE WHEN verified THEN ${now}::timestamptz END, first_name, last_name,
      display_name, phone_number, phone_number_verified, timezone, CASE WHEN NOT is_active THEN ${now}::timestamptz END,
      is_staff, is_superuser, is_practitioner, last_login_at, coalesce(joined_at, ${now}::timestamptz)
    FROM staged_users WHERE problem IS NULL AND NOT is_known ORDER BY user_id`
  // The password is as old as the account: a later instant would refuse tokens that Django has issued since.
  await db.$executeRaw`
    INSERT INTO passwords (user_id, hash, version, changed_at)
    SELECT user_id, hash, ${firstVersion}::integer, least(joined_at, ${now}::timestamptz)
    FROM staged_users WHERE problem IS NULL AND NOT is_known ORDER BY user_id`
  await db.$executeRaw`
    INSERT INTO django_users (django_id, user_id, hash_digest, password_version, profile, taken_at)
    SELECT django_id, user_id, hash_digest, ${firstVersion}::integer, profile, ${now}
    FROM staged_users WHERE problem IS NULL AND NOT is_known ORDER BY user_id`
  await db.$executeRaw`
    INSERT INTO events (type, at, user_id, ip, user_agent, request_id, details)
    SELECT ${djangoEvents.user_imported.name}, ${now}::timestamptz, user_id, ${caller.ip}, ${caller.userAgent},
      ${caller.requestId}::uuid, ${JSON.stringify(operatorDetails(caller))}::jsonb
    FROM staged_users WHERE problem IS NULL AND NOT is_known`
}

/** So many users can register at Django until its ids meet those of users who registered here. */
const idsKeptFree = 1_000_000

/**
 * Numbers the users who register here far behind those of Django, also those who are left out and those who come with a later import: both
 * systems may verify tokens with one key, and each looks users up by their ids. The sequence never goes back.
 */
async function keepIdsFree(db: ImportDb): Promise<void> {
  await db.$queryRaw`
    SELECT setval('users_id_seq', wanted.last) FROM users_id_seq,
      (SELECT max(wanted_id) + ${idsKeptFree}::bigint AS last FROM staged_users) AS wanted
    WHERE wanted.last > users_id_seq.last_value`
}
