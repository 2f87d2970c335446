import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import bcrypt from 'bcrypt'
import pg from 'pg'

/** The bcrypt cost of the server: the accounts here have hashes of that cost, as if they had registered. */
export const bcryptCost = 10

/** A password that no account has. */
export const wrongPassword = 'a password of no account'

/** Runs the work with the database that a server keeps in its data directory. */
export async function withDatabase(dataDir, work) {
  const password = await readFile(join(dataDir, 'postgres-password'), 'utf8')
  const [, , , port] = (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')
  const user = 'auth'
  const db = new pg.Client({ host: '127.0.0.1', port: Number(port), user, database: user, password: password.trim() })
  await db.connect()
  try {
    return await work(db)
  } finally {
    await db.end()
  }
}

const storedHash = `bcrypt-sha384$none${bcrypt.hashSync(randomBytes(48).toString('base64'), bcryptCost)}`
const makeAccounts = (count) => {
  const accounts = randomBytes(4).toString('hex')
  return Array.from({ length: count }, (_, index) => {
    // Names have one length, so that only the row in the database differs.
    const username = `p${accounts}${String(index).padStart(6, '0')}`
    return { username, email: `${username}@example.com` }
  })
}
const namesOf = (accounts) => accounts.map(({ username }) => username)
const emailsOf = (accounts) => accounts.map(({ email }) => email)

/** Names and addresses without an account. */
export async function unknown(_db, count) {
  return makeAccounts(count)
}

/** Inserts users instead of registering them, as thousands of them are needed. */
const users =
  ({ verified = true, disabled = false, failures = 0 }) =>
  async (db, count) => {
    const accounts = makeAccounts(count)
    await db.query(
      `WITH made AS (
         INSERT INTO users (uuid, username, username_key, email, email_verified_at, disabled_at, joined_at)
         SELECT gen_random_uuid(), name, name, name || '@example.com', CASE WHEN $2 THEN now() END,
           CASE WHEN $3 THEN now() END, now()
         FROM unnest($1::text[]) AS name RETURNING id
       ), throttled AS (
         INSERT INTO password_attempts (throttle_key, failures, blocked_until)
         SELECT 'user:' || id, $5::integer, now() + interval '1 day' FROM made WHERE $5::integer > 0
       )
       INSERT INTO passwords (user_id, hash, changed_at) SELECT id, $4, now() FROM made`,
      [namesOf(accounts), verified, disabled, storedHash, failures],
    )
    return accounts
  }

export const known = users({})
export const disabled = users({ disabled: true })
export const unverified = users({ verified: false })
export const throttled = users({ failures: 50 })

/** One name for all samples: an unregistered name is counted under a keyed digest, which only the server can make. */
export async function throttledUnknown(db, count, send) {
  const [unknownUser] = makeAccounts(1)
  await send({ ...unknownUser, password: wrongPassword })
  await db.query(
    `UPDATE password_attempts SET failures = 50, blocked_until = now() + interval '1 day'
     WHERE throttle_key = (SELECT throttle_key FROM password_attempts WHERE throttle_key LIKE 'name:%' ORDER BY kept_until DESC LIMIT 1)`,
  )
  return Array.from({ length: count }, () => unknownUser)
}

/** Addresses of the accounts that were sent as many mails of that kind within the last minutes, or would have been. */
export const exhausted = (crowdOf, kind) => allowed(crowdOf, kind, 5)
const allowed = (crowdOf, kind, mails) => async (db, count) => {
  const accounts = await crowdOf(db, count)
  await db.query(
    `INSERT INTO mail_rate_limits (kind, email, sent_at, expires_at)
     SELECT $2, email, array_fill(date_trunc('milliseconds', now()), ARRAY[$3::integer]), now() + interval '1 hour'
     FROM unnest($1::text[]) AS email`,
    [emailsOf(accounts), kind, mails],
  )
  return accounts
}

/** Pending registrations, as many for each address. */
export const pending = (attempts = 1, mails = attempts) => allowed(registered(attempts), 'registration', mails)
const registered = (attempts) => async (db, count) => {
  const accounts = makeAccounts(count)
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await db.query(
      `WITH made AS (
         INSERT INTO registrations (id, username, username_key, email, password_hash, first_name, last_name,
           phone_number, timezone, created_at, expires_at)
         SELECT gen_random_uuid(), name || $3, name || $3, name || '@example.com', $2, '', '', '', 'UTC', now(),
           now() + interval '1 day'
         FROM unnest($1::text[]) AS name RETURNING id, email
       )
       INSERT INTO mail_tokens (purpose, target_id, email, token_hash, created_at, expires_at)
       SELECT 'complete_registration', id::text, email, md5(id::text) || md5(email), now(), now() + interval '1 day' FROM made`,
      [namesOf(accounts), storedHash, attempt === 0 ? '' : `-${attempt}`],
    )
  }
  return accounts
}

/** Tokens that no mail holds. */
export async function unknownTokens(_db, count) {
  return Array.from({ length: count }, () => ({ token: randomBytes(32).toString('base64url') }))
}

/** Tokens of that purpose that were mailed and have expired. */
export const expiredTokens = (purpose) => async (db, count) => {
  const tokens = await unknownTokens(db, count)
  const digests = tokens.map(({ token }) => createHash('sha256').update(token).digest('hex'))
  await db.query(
    `INSERT INTO mail_tokens (purpose, target_id, email, token_hash, created_at, expires_at)
     SELECT $2, gen_random_uuid()::text, 'user@example.com', digest, now() - interval '2 days',
       now() - interval '1 day'
     FROM unnest($1::text[]) AS digest`,
    [digests, purpose],
  )
  return tokens
}
