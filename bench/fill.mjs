// Fills a migrated database with users as they are after some months: npm run bench -- scale.
import { createHash } from 'node:crypto'
import bcrypt from 'bcrypt'
import { password } from './server.mjs'

const sessionsPerUser = 5
const eventsPerUser = 10
/** The last session of each user was ended. */
const endedSession = sessionsPerUser - 1
const day = 86_400_000
const userAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
const rowsAtOnce = 500_000

/** What the rows of a filled database hold, computed and not read: reading them would bring them into memory. */
export function filledWith(users, instant = Date.now()) {
  const begin = instant - 6 * day
  const sessionStepMs = Math.floor((5 * day) / (users * sessionsPerUser))
  return {
    ...{ users, instant, begin, sessionStepMs },
    /** The user of that id, from 1, with the session of that number, from 0: both as in `statements`. */
    session(id, number) {
      const n = number * users + id - 1
      const endsAt = begin + n * sessionStepMs + 30 * day
      const random = md5(`session${n}`)
      const hex = `${endsAt.toString(16).padStart(12, '0')}8${random.slice(0, 3)}8${random.slice(3, 18)}`
      const own = md5(`user${id}`)
      return { userId: id, uuid: uuid(`${own.slice(0, 12)}4${own.slice(13, 16)}8${own.slice(17)}`), sid: uuid(hex) }
    },
  }
}

function md5(text) {
  return createHash('md5').update(text).digest('hex')
}

function uuid(hex) {
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}

function time(ms) {
  return `timestamptz 'epoch' + interval '1 ms' * (${ms})`
}

/** The id begins with the end of the session, as session-id.ts makes it. */
function sessionInsert({ endsAt, seed, userId, createdAt, revokedAt }) {
  return `
    INSERT INTO sessions (id, user_id, access_lifetime, refresh_lifetime, created_at, expires_at, ends_at, ip, user_agent, revoked_at, revoked_reason)
    SELECT (lpad(to_hex(${endsAt}), 12, '0') || '8' || substr(random, 1, 3) || '8' || substr(random, 4, 15))::uuid,
      ${userId}, 900, 604800, ${time(createdAt)}, ${time(`${createdAt} + ${7 * day}`)}, ${time(endsAt)}, '203.0.113.7', '${userAgent}',
      ${revokedAt}, CASE WHEN ${revokedAt} IS NOT NULL THEN 'logout' END
    FROM (SELECT n, md5('${seed}' || n) AS random FROM many) AS each`
}

/** Each inserts the rows that `n` counts, from 0. */
function statements({ users, instant, begin, sessionStepMs }, hash) {
  const createdAt = `${begin} + n * ${sessionStepMs}`
  const eventStepMs = (360 * day) / (users * eventsPerUser)
  return {
    users: [
      users,
      `INSERT INTO users (uuid, username, username_key, email, email_verified_at, first_name, last_name, last_login_at, logins, joined_at)
       SELECT overlay(overlay(md5('user' || n + 1) PLACING '4' FROM 13) PLACING '8' FROM 17)::uuid, 'user' || n + 1, 'user' || n + 1, 'user' || n + 1 || '@example.com', joined, 'Given' || n, 'Family' || n,
         ${time(instant - day)}, ${sessionsPerUser}, joined
       FROM (SELECT n, ${time(instant - 400 * day)} AS joined FROM many) AS each`,
    ],
    passwords: [
      users,
      `INSERT INTO passwords (user_id, hash, changed_at) SELECT n + 1, '${hash}', ${time(instant - 400 * day)} FROM many`,
    ],
    password_attempts: [
      users,
      `INSERT INTO password_attempts (throttle_key, failures, logins, blocked_until)
       SELECT 'user:' || n + 1, 0, ${sessionsPerUser}, ${time(instant - day)} FROM many`,
    ],
    sessions: [
      users * sessionsPerUser,
      sessionInsert({
        ...{ endsAt: `${createdAt} + ${30 * day}`, seed: 'session', userId: `1 + n % ${users}`, createdAt },
        revokedAt: `CASE WHEN n / ${users} = ${endedSession} THEN ${time(`${createdAt} + 3600000`)} END`,
      }),
    ],
    events: [
      users * eventsPerUser,
      `INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id)
       SELECT 'login_succeeded', ${time(`${instant - 360 * day} + n * ${eventStepMs}`)}, 1 + n * 7919 % ${users}, gen_random_uuid(),
         '203.0.113.7', '${userAgent}', gen_random_uuid() FROM many`,
    ],
    // For comparison: rows as long as those of sessions, with nothing but a key.
    plain_rows: [
      users * sessionsPerUser,
      `INSERT INTO plain_rows SELECT 1 + n, ${time(instant)}, repeat('x', 180) FROM many`,
    ],
  }
}

const preparations = `
  SELECT create_event_partitions(now() - interval '1 month' * ago) FROM unnest(ARRAY[12, 8, 4]) AS ago;
  CREATE TABLE plain_rows (id bigint PRIMARY KEY, at timestamptz NOT NULL, content text NOT NULL)`

/** Inserts all rows into the database of the client, whose tables are there and empty, and lets PostgreSQL count them. */
export async function fill(client, filled) {
  await client.query(preparations)
  await insertAll(client, statements(filled, await hashOfAll()))
}

/** Adds sessions that the clean-up deletes: one half ended by themselves, the other was ended, all longer ago than a month. */
export async function fillDeadSessions(client, { users, instant }, rows) {
  const halves = { expired: [60 * day, 1], revoked: [29 * day, 0] }
  for (const [name, [endedBefore, isExpired]] of Object.entries(halves)) {
    const endsAt = `${instant - endedBefore} + n * 10`
    const statement = sessionInsert({
      ...{ endsAt, seed: name, userId: `1 + n * 7919 % ${users}`, createdAt: `${endsAt} - ${30 * day}` },
      revokedAt: isExpired ? 'NULL' : time(`${instant - 31 * day} - n`),
    })
    await insertAll(client, { [`sessions (${name})`]: [rows / 2, statement] })
  }
}

async function insertAll(client, tables) {
  const startedAt = performance.now()
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(0)} s`
  for (const [table, [rows, statement]] of Object.entries(tables)) {
    for (let from = 0; from < rows; from += rowsAtOnce) {
      const to = Math.min(from + rowsAtOnce, rows)
      await client.query(`WITH many AS (SELECT generate_series(${from}::bigint, ${to - 1}) AS n) ${statement}`)
      if (rows > rowsAtOnce) {
        console.log(`${table}: ${to.toLocaleString('en')} of ${rows.toLocaleString('en')} rows after ${seconds()}`)
      }
    }
  }
  await client.query('VACUUM (FREEZE, ANALYZE)')
  await client.query('CHECKPOINT')
}

/** As the server stores it. One for all: it was not made by this machine for each of a million users. */
async function hashOfAll() {
  const digest = createHash('sha384').update(password).digest('base64')
  return `bcrypt-sha384$none${await bcrypt.hash(digest, 4)}`
}

/** Bytes of the tables and their indexes, partitions together. */
export const sizes = `
  SELECT coalesce(parent.relname, own.relname) AS "table", sum(greatest(own.reltuples, 0))::bigint AS rows,
    sum(pg_table_size(own.oid))::bigint AS heap, sum(pg_indexes_size(own.oid))::bigint AS indexes, sum(pg_total_relation_size(own.oid))::bigint AS total
  FROM pg_class AS own LEFT JOIN pg_inherits ON inhrelid = own.oid LEFT JOIN pg_class AS parent ON parent.oid = inhparent
  WHERE own.relkind = 'r' AND own.relnamespace = 'public'::regnamespace GROUP BY 1 HAVING sum(own.reltuples) > 100 ORDER BY total DESC`
