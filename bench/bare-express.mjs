// The floor: a bare Express server with one statement per request and the same tokens. Started by floor.mjs with DATABASE_URL
// and PORT. It has no limits, no events, no rotation rules and no log, and is no example of a safe server.
import { createSecretKey, randomUUID } from 'node:crypto'
import bcrypt from 'bcrypt'
import express from 'express'
import jwt from 'jsonwebtoken'
import pg from 'pg'

/** As a key object: of a text, jsonwebtoken tries first whether it is a PEM file, which costs more than all the rest. */
const key = createSecretKey(Buffer.from('the-key-of-the-bare-server-0123456789abcdef'))
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

await pool.query(`
  CREATE TABLE users (
    id SERIAL PRIMARY KEY, uuid UUID NOT NULL, username TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
    first_name TEXT NOT NULL DEFAULT '', last_name TEXT NOT NULL DEFAULT '', timezone TEXT NOT NULL DEFAULT 'UTC',
    is_active BOOLEAN NOT NULL DEFAULT true, is_staff BOOLEAN NOT NULL DEFAULT false, joined_at TIMESTAMPTZ NOT NULL DEFAULT now());
  CREATE TABLE sessions (
    id UUID PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users, generation INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL, expires_at TIMESTAMPTZ NOT NULL, revoked_at TIMESTAMPTZ, ip TEXT NOT NULL, user_agent TEXT NOT NULL);
  CREATE INDEX ON sessions (user_id)`)

const sessionOfUser = `SELECT s.id AS session_id, s.generation, s.created_at, s.expires_at, s.ip, s.user_agent, u.id, u.uuid, u.username,
  u.email, u.first_name, u.last_name, u.timezone, u.is_active, u.is_staff, u.joined_at
  FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > now()`

function sign(kind, { user, sid, generation }) {
  const lifetime = kind === 'access' ? 900 : 604_800
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    ...{ iss: 'http://localhost', aud: 'http://localhost', sub: user.uuid, user_id: user.id, sid },
    ...{ jti: `${sid}.${generation}.${iat}.${kind}`, token_type: kind, iat, exp: iat + lifetime },
  }
  return jwt.sign(claims, key, { algorithm: 'HS256' })
}

function verify(kind, token) {
  const claims = jwt.verify(token, key, { algorithms: ['HS256'] })
  if (claims.token_type !== kind) throw new Error('another kind of token')
  return { ...claims, generation: Number(claims.jti.split('.')[1]) }
}

function tokens(of) {
  return {
    ...{ access_token: sign('access', of), refresh_token: sign('refresh', of) },
    ...{ token_type: 'bearer', expires_in: 900, refresh_expires_in: 604_800 },
  }
}

const app = express()
app.use(express.json())
const api = express.Router()
app.use('/api/v1/auth', api)

api.post('/register_credentials', async ({ body: { username, email, password }, ...request }, response) => {
  const hash = await bcrypt.hash(password, Number(process.env.BCRYPT_COST))
  const { rows } = await pool.query(
    'INSERT INTO users (uuid, username, email, password) VALUES ($1, $2, $3, $4) RETURNING *',
    [randomUUID(), username, email, hash],
  )
  response.status(201).json(await openSession(rows[0], request))
})

api.post('/login_credentials', async (request, response) => {
  const { username, password } = request.body
  const { rows } = await pool.query('SELECT * FROM users WHERE username = $1', [username])
  if (!rows[0] || !(await bcrypt.compare(password, rows[0].password))) return response.status(401).json({})
  response.json(await openSession(rows[0], request))
})

async function openSession({ password: _, ...user }, { ip = '', headers }) {
  const sid = randomUUID()
  const now = new Date()
  await pool.query(
    'INSERT INTO sessions (id, user_id, created_at, expires_at, ip, user_agent) VALUES ($1, $2, $3, $4, $5, $6)',
    [sid, user.id, now, new Date(now.getTime() + 604_800_000), ip, headers?.['user-agent'] ?? ''],
  )
  return { ...tokens({ user, sid, generation: 0 }), user }
}

api.get('/session', async (request, response) => {
  const { sid } = verify('access', request.headers.authorization.slice(7))
  const { rows } = await pool.query(sessionOfUser, [sid])
  if (!rows[0]) return response.status(401).json({})
  const { session_id, generation, created_at, expires_at, ip, user_agent, ...user } = rows[0]
  response.json({ session: { id: session_id, generation, created_at, expires_at, ip, user_agent }, user })
})

api.post('/access_token', async (request, response) => {
  const { sid, generation } = verify('refresh', request.body.refresh_token)
  const { rows } = await pool.query(
    `UPDATE sessions s SET generation = generation + 1, expires_at = $3 FROM users u
     WHERE s.id = $1 AND s.generation = $2 AND s.revoked_at IS NULL AND s.expires_at > now() AND u.id = s.user_id
     RETURNING u.id, u.uuid, u.username, u.email, u.first_name, u.last_name, u.timezone, u.is_active, u.is_staff, u.joined_at`,
    [sid, generation, new Date(Date.now() + 604_800_000)],
  )
  if (!rows[0]) return response.status(401).json({})
  response.json({ ...tokens({ user: rows[0], sid, generation: generation + 1 }), user: rows[0] })
})

api.post('/logout', async (request, response) => {
  const { sid } = verify('refresh', request.body.refresh_token)
  await pool.query('UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL', [sid, new Date()])
  response.json({ detail: 'You are logged out' })
})

api.use((error, _request, response, _next) => response.status(401).json({ detail: error.message }))
app.get('/readyz', (_request, response) => response.json({ status: 'ready' }))
app.listen(Number(process.env.PORT), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
