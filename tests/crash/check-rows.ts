import { runSql } from '../support/catalog.ts'
import type { EventsByAct } from './check-actor.ts'

/** What no crash may leave behind: each statement finds the rows that break a rule. */
const rules = {
  'a user without a password':
    'SELECT u.id FROM users u LEFT JOIN passwords p ON p.user_id = u.id WHERE p.user_id IS NULL',
  'a user without the event of the registration': `SELECT u.id FROM users u WHERE NOT EXISTS
     (SELECT FROM events e WHERE e.user_id = u.id AND e.type = 'user_registered')`,
  'an event of a registration without a user': `SELECT e.user_id FROM events e LEFT JOIN users u ON u.id = e.user_id
     WHERE e.type = 'user_registered' AND u.id IS NULL`,
  'a session without the event of its login': `SELECT s.id FROM sessions s WHERE NOT EXISTS
     (SELECT FROM events e WHERE e.session_id = s.id AND e.type = 'login_succeeded')`,
  'a login without a session': `SELECT e.session_id FROM events e LEFT JOIN sessions s ON s.id = e.session_id
     WHERE e.type = 'login_succeeded' AND s.id IS NULL`,
  'a session that ended without an event': `SELECT s.id FROM sessions s WHERE (s.revoked_at IS NOT NULL) <> EXISTS
     (SELECT FROM events e WHERE e.session_id = s.id AND e.type = 'session_ended')`,
  'a password whose changes are not those of the events': `SELECT p.user_id FROM passwords p WHERE p.version <> 1 +
     (SELECT count(*) FROM events e WHERE e.user_id = p.user_id AND e.type IN ('password_changed', 'password_reset'))`,
  'sessions that ended together without an event': `SELECT u.id FROM users u WHERE u.session_epoch <>
     (SELECT count(*) FROM events e WHERE e.user_id = u.id AND e.type = 'sessions_ended')`,
  'a reset token that is spent without a reset, or the other way round': `SELECT t.target_id FROM mail_tokens t
     WHERE t.purpose = 'reset_password' AND (t.spent_at IS NOT NULL) <> EXISTS
     (SELECT FROM events e WHERE e.user_id = t.target_id::integer AND e.type = 'password_reset')`,
  'a verification token that is spent without a verified address, or the other way round': `SELECT t.target_id FROM mail_tokens t
     JOIN users u ON u.id = t.target_id::integer WHERE t.purpose = 'verify_email'
     AND ((t.spent_at IS NOT NULL) <> (u.email_verified_at IS NOT NULL) OR (t.spent_at IS NOT NULL) <> EXISTS
     (SELECT FROM events e WHERE e.user_id = u.id AND e.type = 'email_verified'))`,
  'a change without its mail, or a mail without its change': `SELECT u.id FROM users u, (VALUES
       ('verify_email', ARRAY['user_registered']), ('reset_password', ARRAY['password_reset_requested']),
       ('password_changed', ARRAY['password_changed', 'password_reset'])) AS kinds (template, types)
     WHERE (SELECT count(*) FROM outbox_mails m WHERE m.recipient = u.email AND m.template = kinds.template) <>
       (SELECT count(*) FROM events e WHERE e.user_id = u.id AND e.type = ANY (kinds.types))`,
} as const

export async function checkRows(databaseUrl: string): Promise<string[]> {
  const broken: string[] = []
  for (const [rule, sql] of Object.entries(rules)) {
    const rows = await runSql<object>(databaseUrl, sql)
    if (rows.length > 0) broken.push(`${rule}: ${rows.map((row) => Object.values(row)[0]).join(', ')}`)
  }
  return broken
}

export async function readEvents(databaseUrl: string): Promise<EventsByAct> {
  const rows = await runSql<{ act: string; types: string[] }>(
    databaseUrl,
    'SELECT user_agent AS act, array_agg(type ORDER BY id) AS types FROM events GROUP BY user_agent',
  )
  return new Map(rows.map(({ act, types }) => [act, types]))
}
