import type { Db } from '../../../kernel/db.ts'
import type { Candidate } from '../candidate.ts'
import type { StagedAddress } from '../verified.ts'

/** The connection of one import: its temporary tables are seen by no other. */
export type ImportDb = Pick<Db, '$queryRaw' | '$executeRaw'>

/** One id for all instances of the server. */
const locks = { import: 72_707_371, follower: 72_707_372 }

/** Keeps other imports from running, or following, until this transaction ends: two would take the same users. False: one does. */
export async function takeLock(db: ImportDb, of: keyof typeof locks): Promise<boolean> {
  const [row] = await db.$queryRaw<{ isHeld: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(${locks[of]}::bigint) AS "isHeld"`
  return row?.isHeld === true
}

/** Makes the temporary tables, which are gone when the transaction ends. */
export async function createStaging(db: ImportDb): Promise<void> {
  await db.$executeRaw`
    CREATE TEMPORARY TABLE staged_users (
      position bigint GENERATED ALWAYS AS IDENTITY, django_id text, wanted_id bigint, user_id bigint, is_known boolean DEFAULT false,
      uuid uuid, username text, username_key text, email text, verified boolean, first_name text, last_name text,
      display_name text, phone_number text, phone_number_verified boolean, timezone text, is_active boolean,
      is_staff boolean, is_superuser boolean, is_practitioner boolean, last_login_at timestamptz(3),
      joined_at timestamptz(3), hash text, hash_digest text, profile jsonb, problem text, renamed_for text, altered text,
      takes_password boolean DEFAULT false, takes_profile boolean DEFAULT false, takes_active boolean DEFAULT false,
      given_username text, given_email text
    ) ON COMMIT DROP`
  await db.$executeRaw`
    CREATE TEMPORARY TABLE staged_addresses (django_id text, email text) ON COMMIT DROP`
  await db.$executeRaw`
    CREATE TEMPORARY TABLE staged_tokens (token_id text, jti text, expires_at timestamptz(3)) ON COMMIT DROP`
  await db.$executeRaw`CREATE TEMPORARY TABLE staged_blacklist (token_id text) ON COMMIT DROP`
}

export async function stageUsers(db: ImportDb, candidates: readonly Candidate[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO staged_users (django_id, wanted_id, uuid, username, username_key, email, verified, first_name, last_name,
      display_name, phone_number, phone_number_verified, timezone, is_active, is_staff, is_superuser, is_practitioner,
      last_login_at, joined_at, hash, hash_digest, profile, problem, altered, given_username, given_email)
    SELECT django_id, wanted_id, uuid, username, username_key, email, verified, first_name, last_name,
      display_name, phone_number, phone_number_verified, timezone, is_active, is_staff, is_superuser, is_practitioner,
      last_login_at, joined_at, hash, hash_digest, profile, problem, altered, given_username, given_email
    FROM json_populate_recordset(NULL::staged_users, ${JSON.stringify(candidates)}::json)`
}

/** The statements that follow read each table as a whole. */
export async function analyzeStaging(db: ImportDb): Promise<void> {
  await db.$executeRaw`ANALYZE staged_users`
}

export async function stageAddresses(db: ImportDb, addresses: readonly StagedAddress[]): Promise<void> {
  await db.$executeRaw`
    INSERT INTO staged_addresses
    SELECT django_id, email FROM json_populate_recordset(NULL::staged_addresses, ${JSON.stringify(addresses)}::json)`
}

/** Counts an address as verified if django-allauth has it as a verified one of the user. */
export async function verifyByAddresses(db: ImportDb): Promise<void> {
  await db.$executeRaw`
    UPDATE staged_users AS staged SET verified = EXISTS (
      SELECT FROM staged_addresses AS address WHERE address.django_id = staged.django_id AND address.email = staged.email)`
}
