import type { Caller } from '../../../kernel/caller.ts'
import { sql } from '../../../kernel/db.ts'
import { operatorDetails } from '../../../kernel/events.ts'
import { djangoEvents } from '../events.ts'
import type { ImportDb } from './staging.ts'

const isUpdated = sql`staged.problem IS NULL AND staged.is_known`

/**
 * Writes what has changed at Django since the last import. A password that is taken ends the sessions here, and so does disabling.
 *
 * It gains: a second import takes no longer than the first. It costs: it writes the tables of other features (passwords, users, events), so a
 * new column that is imported has to be added here.
 */
export async function updateKnownUsers(
  db: ImportDb,
  { now, unchangedUntil = null }: { readonly now: Date; readonly unchangedUntil?: Date | null | undefined },
  caller: Caller,
): Promise<void> {
  // A login or a change may have replaced a password since all were compared: that one stays.
  await db.$executeRaw`
    WITH written AS (
      UPDATE passwords SET hash = staged.hash, version = version + 1, changed_at = ${now}
      FROM staged_users AS staged JOIN django_users AS known ON known.django_id = staged.django_id
      WHERE ${isUpdated} AND staged.takes_password AND passwords.user_id = staged.user_id
        AND passwords.version = known.password_version
      RETURNING passwords.user_id)
    UPDATE staged_users AS staged SET takes_password = false
    WHERE staged.takes_password AND NOT EXISTS (SELECT FROM written WHERE written.user_id = staged.user_id)`
  const isDisabled = sql`(staged.takes_active AND NOT staged.is_active AND ours.disabled_at IS NULL)`
  const endsSessions = sql`(staged.takes_password OR ${isDisabled})`
  await db.$executeRaw`
    UPDATE users AS ours SET username = staged.username, username_key = staged.username_key, email = staged.email,
      email_verified_at = CASE WHEN NOT staged.verified THEN NULL
        WHEN ours.email_verified_at IS NOT NULL AND ours.email = staged.email THEN ours.email_verified_at ELSE ${now} END,
      first_name = staged.first_name, last_name = staged.last_name, display_name = staged.display_name,
      phone_number = staged.phone_number, phone_number_verified = staged.phone_number_verified, timezone = staged.timezone,
      is_staff = staged.is_staff, is_superuser = staged.is_superuser, is_practitioner = staged.is_practitioner,
      disabled_at = CASE WHEN NOT staged.takes_active THEN ours.disabled_at WHEN staged.is_active THEN NULL
        ELSE coalesce(ours.disabled_at, ${now}) END,
      last_login_at = greatest(ours.last_login_at, staged.last_login_at),
      session_epoch = ours.session_epoch + ${endsSessions}::integer,
      sessions_ended_at = CASE WHEN ${endsSessions} THEN ${now}::timestamptz ELSE ours.sessions_ended_at END,
      -- Tokens that Django has issued since the last import may be younger than the new password, and stay. Those that have ended stay so.
      epoch_began_at = CASE WHEN ${isDisabled} THEN ${now}::timestamptz
        WHEN staged.takes_password THEN greatest(ours.epoch_began_at, known.taken_at, ${unchangedUntil}::timestamptz)
        ELSE ours.epoch_began_at END
    FROM staged_users AS staged JOIN django_users AS known ON known.django_id = staged.django_id
    WHERE ${isUpdated} AND ours.id = staged.user_id
      AND (staged.takes_profile OR staged.takes_password OR staged.last_login_at > coalesce(ours.last_login_at, '-infinity'))`
  // Of all users, also those of whom nothing has changed: the next new password is younger than this import.
  await db.$executeRaw`
    UPDATE django_users AS known SET profile = staged.profile, taken_at = ${now},
      hash_digest = CASE WHEN staged.takes_password THEN staged.hash_digest ELSE known.hash_digest END,
      password_version = known.password_version + staged.takes_password::integer
    FROM staged_users AS staged
    WHERE ${isUpdated} AND known.django_id = staged.django_id`
  const columns = sql`${now}::timestamptz, user_id, ${caller.ip}, ${caller.userAgent}, ${caller.requestId}::uuid,
    ${JSON.stringify(operatorDetails(caller))}::jsonb`
  await db.$executeRaw`
    INSERT INTO events (type, at, user_id, ip, user_agent, request_id, details)
    SELECT ${djangoEvents.imported_user_updated.name}, ${columns} FROM staged_users AS staged WHERE ${isUpdated} AND takes_profile
    UNION ALL
    SELECT ${djangoEvents.imported_password_updated.name}, ${columns} FROM staged_users AS staged
    WHERE ${isUpdated} AND takes_password`
}
