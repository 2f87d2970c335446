import { Client } from 'pg'

/** A digest of each table; without the events of wrong passwords, which some contracts refuse with 400. */
export type Moment = ReadonlyMap<string, string>

/** The server's database, seen from outside the server. */
export interface Store {
  moment(): Promise<Moment>
  /** Throws if stored rows break a rule. */
  judge(now: Date, secrets: readonly string[]): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
}

/** A query for each rule, which returns the rows that break it. $1 is the time. */
const rules: Readonly<Record<string, string>> = {
  'one live mail token per purpose and target_id': `SELECT purpose, target_id FROM mail_tokens
    WHERE spent_at IS NULL AND expires_at > $1::timestamptz GROUP BY purpose, target_id HAVING count(*) > 1`,
  'addresses are in lower case': `SELECT email FROM users WHERE email <> lower(email)
    UNION ALL SELECT email FROM registrations WHERE email <> lower(email)
    UNION ALL SELECT email FROM mail_tokens WHERE email <> lower(email)`,
  'addresses are in ASCII': `SELECT email FROM users WHERE email !~ '^[!-~]+$'
    UNION ALL SELECT email FROM registrations WHERE email !~ '^[!-~]+$'
    UNION ALL SELECT email FROM mail_rate_limits WHERE email !~ '^[!-~]+$'`,
  'phone numbers are in E.164': `SELECT phone_number FROM users WHERE phone_number !~ '^([+][1-9][0-9]{6,14}(;ext=[0-9]{1,20})?)?$'
    UNION ALL SELECT phone_number FROM registrations WHERE phone_number !~ '^([+][1-9][0-9]{6,14}(;ext=[0-9]{1,20})?)?$'`,
  'addresses are unique': 'SELECT lower(email) FROM users GROUP BY 1 HAVING count(*) > 1',
  'usernames are unique': 'SELECT lower(username) FROM users GROUP BY 1 HAVING count(*) > 1',
  'hashes have the documented format': `SELECT hash FROM (SELECT hash FROM passwords UNION ALL SELECT password_hash FROM registrations WHERE password_hash <> '') h
    WHERE hash !~ '^bcrypt-sha384[$][A-Za-z0-9_-]+[$]2b[$]04[$][./A-Za-z0-9]{53}$'`,
  'tokens are stored as their SHA-256': `SELECT token_hash FROM mail_tokens WHERE token_hash !~ '^[0-9a-f]{64}$'`,
  'no user gains a role': `SELECT username FROM users
    WHERE is_staff OR is_superuser OR is_practitioner OR phone_number_verified OR disabled_at IS NOT NULL`,
  'profiles are plain text': `SELECT username FROM users
    WHERE concat(username, email, first_name, last_name, display_name, phone_number, timezone) ~ '[\\x01-\\x1f\\x7f-\\x9f]'`,
  'a session ends when it says': 'SELECT id::text FROM sessions WHERE expires_at > ends_at',
  'an ended session says why': 'SELECT id::text FROM sessions WHERE (revoked_at IS NULL) <> (revoked_reason IS NULL)',
  'every user has a password': 'SELECT username FROM users WHERE id NOT IN (SELECT user_id FROM passwords)',
  'a sent mail keeps no values': `SELECT id::text FROM outbox_mails WHERE status IN ('sent', 'dropped') AND encrypted_values IS NOT NULL`,
}

interface Breach {
  readonly rule: string
  readonly row: string
}

const allRules = Object.entries(rules)
  .map(([rule, query]) => `SELECT '${rule}' AS rule, to_json(x)::text AS row FROM (${query}) x`)
  .join(' UNION ALL ')

export async function openStore(url: string): Promise<Store> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows: found } = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_prisma_migrations'`,
  )
  const tables = found.map(({ name }) => name)
  const digests = tables
    .map(
      (name) => `SELECT '${name}' AS name, md5(string_agg(t::text, ',' ORDER BY t::text)) AS rows FROM "${name}" t
        ${name.startsWith('events') ? `WHERE type NOT IN ('password_change_failed', 'reauthentication_failed')` : ''}`,
    )
    .join(' UNION ALL ')
  const contents = tables
    .map((name) => `SELECT '${name}' AS name, t::text AS text FROM "${name}" t`)
    .join(' UNION ALL ')

  return {
    async moment() {
      const { rows } = await client.query<{ name: string; rows: string | null }>(digests)
      return new Map(rows.map((row) => [row.name, row.rows ?? '']))
    },
    async judge(now, secrets) {
      const { rows: breaches } = await client.query<Breach>(allRules, [now])
      for (const { rule, row } of breaches) throw new Error(`${rule}, but there is ${row}`)
      const { rows } = await client.query<{ name: string; text: string }>(contents)
      const stored = rows.map(({ text }) => text).join('\n')
      const spellings = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('hex')])
      const secret = spellings.find((text) => stored.includes(text))
      if (secret === undefined) return
      const holders = rows.filter(({ text }) => text.includes(secret))
      throw new Error(`the table ${holders[0]?.name} holds the secret ${secret} in the clear`)
    },
    async empty() {
      await client.query(tables.map((name) => `DELETE FROM "${name}"`).join('; '))
    },
    close: () => client.end(),
  }
}

/** Refusals that may write to the audit trail or a counter, or end a session whose token was copied. */
const telling = [401, 403, 429, 503]
/** Counts wrong passwords through every contract. */
const counter = 'password_attempts'
const untouchable = ['users', 'passwords', 'registrations', 'mail_tokens']

/** Throws if a request changed what its refusal must leave alone. */
export function refuseChange(before: Moment, after: Moment, status: number): void {
  const tables = telling.includes(status) ? untouchable : [...before.keys()].filter((name) => name !== counter)
  const changed = tables.filter((name) => before.get(name) !== after.get(name))
  if (changed.length > 0) throw new Error(`a request refused with ${status} changed ${changed.join(', ')}`)
}
