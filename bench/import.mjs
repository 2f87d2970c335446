// Imports users from a database of Django into an empty database, twice: npm run bench:import -- [users], a million by default.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startEmbeddedPostgres } from '../dist/embedded-postgres.js'
import { residentMiB, withDataDir } from './server.mjs'

const program = fileURLToPath(new URL('../bin/auth-server', import.meta.url))
const users = Number(process.argv[2] ?? 1_000_000)

const djangoTable = `
  CREATE TABLE auth_user (id serial PRIMARY KEY, password varchar(128), last_login timestamptz, is_superuser boolean,
    username varchar(150) UNIQUE, first_name varchar(150), last_name varchar(150), email varchar(254), is_staff boolean,
    is_active boolean, date_joined timestamptz);
  INSERT INTO auth_user SELECT n, 'pbkdf2_sha256$600000$' || substr(md5(n::text), 1, 22) || '$' || encode(sha256(n::text::bytea), 'base64'),
    now() - n * interval '1 s', false, 'user' || n, 'Given' || n, 'Family' || n, 'User' || n || '@Example.com', false, true,
    now() - interval '1 year' FROM generate_series(1, ${users}) AS n`

await withDataDir(async (dataDir) => {
  const postgres = await startEmbeddedPostgres({ dataDir })
  try {
    const url = (name) => postgres.url.replace(/[^/]+$/, name)
    await query(postgres.url, 'CREATE DATABASE django')
    await query(url('django'), djangoTable)
    const settings = { DATABASE_URL: postgres.url }
    await run(settings, 'migrate')
    const source = ['import', 'django', '--from', url('django')]
    for (const [what, ...args] of [['a dry run', '--dry-run'], ['an import'], ['the same again']]) {
      const { seconds, memory } = await run(settings, ...source, ...args)
      console.log(
        `${what}: ${seconds.toFixed(0)} s, ${Math.round(users / seconds)} users per second, ${memory} MiB at most`,
      )
    }
    await query(
      url('django'),
      `UPDATE auth_user SET password = replace(password, '600000', '870000') WHERE id % 100 = 0`,
    )
    console.log(`with 1 % new passwords: ${(await run(settings, ...source)).seconds.toFixed(0)} s`)
  } finally {
    await postgres.stop()
  }
})

async function query(connectionString, text) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

/** Runs a command to its end, and tells how long it takes and how much memory. */
async function run(settings, ...args) {
  const startedAt = performance.now()
  const child = spawn(program, args, {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  let memory = 0
  const watch = setInterval(async () => {
    memory = Math.max(memory, await residentMiB(child.pid).catch(() => 0))
  }, 500)
  const code = await new Promise((resolve) => child.once('exit', resolve))
  clearInterval(watch)
  if (code !== 0) throw new Error(`auth-server ${args[0]} ended with ${code}`)
  return { seconds: (performance.now() - startedAt) / 1000, memory }
}
