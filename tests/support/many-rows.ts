import { withClient } from './database.ts'

/** The tables that grow with the number of users, what they do, or what clients send. */
export const growingTables = [
  ...['users', 'passwords', 'sessions', 'events', 'reauthentications', 'registrations', 'password_attempts'],
  ...['mail_tokens', 'mail_rate_limits', 'outbox_mails', 'django_tokens'],
]

interface Filling {
  readonly rows: number
  /** As PostgreSQL reads it: when all of this has happened, and was over at once. */
  readonly instant: string
}

/** Adds so many rows to each of them, five sessions and four events to a user, and lets PostgreSQL count them. */
export async function givenManyRows(url: string, { rows, instant }: Filling): Promise<void> {
  const statements = [
    `INSERT INTO users (uuid, username, username_key, email, joined_at, sessions_ended_at)
     SELECT gen_random_uuid(), 'many' || n, 'many' || n, 'many' || n || '@example.com', at,
       CASE WHEN n % 100 = 0 THEN at END FROM many ON CONFLICT DO NOTHING`,
    `INSERT INTO passwords (user_id, hash, changed_at) SELECT id, '$2b$04$', joined_at FROM users ON CONFLICT DO NOTHING`,
    // As session-id.ts makes them: the instant of the end comes first.
    `INSERT INTO sessions (id, user_id, access_lifetime, refresh_lifetime, created_at, rotated_at, last_used_at, expires_at,
       ends_at, ip, user_agent, last_ip, last_user_agent, revoked_at)
     SELECT overlay(gen_random_uuid()::text PLACING overlay(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
         PLACING '-' FROM 9 FOR 0) || '-8' FROM 1 FOR 15)::uuid, 1 + n % ${Math.ceil(rows / 5)}, 1, 1, at, at, at, at, at, '', '', '', '',
       CASE WHEN n % 2 = 0 THEN at END FROM many`,
    `INSERT INTO events (type, at, user_id) SELECT 'login_succeeded', at, 1 + n % ${rows} FROM many, generate_series(1, 4)`,
    `INSERT INTO reauthentications (session_id, authenticated_at) SELECT gen_random_uuid(), at FROM many`,
    `INSERT INTO registrations (id, username, username_key, email, password_hash, first_name, last_name, phone_number, timezone,
       created_at, expires_at)
     SELECT gen_random_uuid(), n::text, n::text, n || '@example.com', '', '', '', '', '', at, at FROM many`,
    `INSERT INTO password_attempts (throttle_key, failures, blocked_until, kept_until)
     SELECT gen_random_uuid(), 1, at, at FROM many`,
    `INSERT INTO django_tokens (jti, spent_at, expires_at) SELECT gen_random_uuid(), at, at FROM many`,
    `INSERT INTO mail_tokens (purpose, target_id, email, token_hash, created_at, expires_at)
     SELECT 'verify_email', gen_random_uuid(), '', gen_random_uuid(), at, at FROM many`,
    `INSERT INTO mail_rate_limits (kind, email, sent_at, expires_at)
     SELECT 'forgot_password', gen_random_uuid(), ARRAY[at], at FROM many`,
    `INSERT INTO outbox_mails (id, template, recipient, line, status, next_attempt_at, stale_at, created_at, finished_at)
     SELECT gen_random_uuid(), '', '', gen_random_uuid(), 'sent', at, at, at, at FROM many`,
  ]
  await withClient(url, async (client) => {
    await client.query(
      `CREATE TEMPORARY TABLE many AS SELECT n, '${instant}'::timestamptz + n * interval '1 ms' AS at FROM generate_series(1, ${rows}) AS n`,
    )
    for (const statement of statements) await client.query(statement)
    await client.query('VACUUM ANALYZE')
  })
}
