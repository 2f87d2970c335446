// Servers on filled databases of one PostgreSQL that counts what its statements take.
import { execFile } from 'node:child_process'
import { createHmac, hkdfSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { startEmbeddedPostgres } from '../dist/embedded-postgres.js'
import { fill, filledWith } from './fill.mjs'
import { register, startServer, withDataDir } from './server.mjs'

const program = fileURLToPath(new URL('../bin/auth-server', import.meta.url))
const secret = 'of-the-bench-0123456789abcdef0123456789'
const settings = { BCRYPT_COST: '4', SECRET_KEY: secret, SESSIONS_PER_USER: '10000' }

/** A quarter of the memory of a small machine, as PostgreSQL's manual advises. */
const parameters = { shared_preload_libraries: 'pg_stat_statements', shared_buffers: '2GB', max_connections: '100' }

/** Runs the work with a PostgreSQL, a client that may ask it for everything, and the start of filled databases. */
export async function withFilledDatabases(own, work) {
  await withDataDir(async (dataDir) => {
    const postgres = await startEmbeddedPostgres({ dataDir, parameters: { ...parameters, ...own } })
    const admin = new pg.Client({ connectionString: postgres.url })
    const ends = []
    try {
      await admin.connect()
      await admin.query('CREATE EXTENSION pg_stat_statements')
      await work({ admin, prepare: (users) => prepare({ postgres, admin, dataDir, ends }, users) })
    } finally {
      for (const end of ends.reverse()) await end()
      await admin.end()
      await postgres.stop()
    }
  })
}

/** A filled database of so many users, with a pool of clients and the start of its server. */
async function prepare({ postgres, admin, dataDir, ends }, users) {
  const database = `filled_${ends.length}`
  const url = postgres.url.replace(/[^/]+$/, database)
  await admin.query(`CREATE DATABASE ${database}`)
  await promisify(execFile)(process.execPath, [program, 'migrate'], {
    env: { ...process.env, ...settings, DATABASE_URL: url },
  })
  const pool = new pg.Pool({ connectionString: url })
  ends.push(() => pool.end())
  const filled = filledWith(users)
  await fill(pool, filled)
  return {
    ...{ database, pool, filled },
    async start() {
      const server = await startServer({ dataDir, settings: { ...settings, DATABASE_URL: url } })
      ends.push(server.stop)
      return { ...server, mint: await tokensOf(server.api) }
    },
  }
}

/** Makes tokens as the server does. */
async function tokensOf(api) {
  const example = (await register(api, `example${Date.now()}`)).access_token
  const { iss, aud } = JSON.parse(Buffer.from(example.split('.')[1], 'base64url'))
  return (kind, { userId, uuid, sid }) => {
    const lifetime = { access: 900, refresh: 604_800 }[kind]
    const iat = Math.floor(Date.now() / 1000)
    const jti = `${sid}.0.${iat}.${kind}`
    const claims = { iss, aud, sub: uuid, user_id: userId, sid, jti, token_type: kind, iat, exp: iat + lifetime }
    const header = { alg: 'HS256', typ: { access: 'at+jwt', refresh: 'rt+jwt' }[kind] }
    const content = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const derived = Buffer.from(hkdfSync('sha256', secret, '', `auth-server ${kind} token`, 32))
    const key = kind === 'access' ? derived.toString('base64url') : derived
    return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
  }
}
