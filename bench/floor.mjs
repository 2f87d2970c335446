// The cost of logging in, reading a session, refreshing and logging out, here and on a bare Express server, in one run.
import bcrypt from 'bcrypt'
import pg from 'pg'
import { startEmbeddedPostgres } from '../dist/embedded-postgres.js'
import { cpuMs, get, inParallel, password, percentile, post, register, startServer, withDataDir } from './server.mjs'

const cost = '10'
/** Many short ones in turn, as other work on the machine comes and goes. */
const rounds = 11
const bareServer = ['node', new URL('bare-express.mjs', import.meta.url).pathname]
/** As npm start has them, but for budgets that no round can use up, and without log lines, as the floor writes none. */
const settings = {
  ...{ RATE_LIMITS: 'on', RATE_LIMIT_PASSWORDS: '100000', RATE_LIMIT_CHANGES: '100000', RATE_LIMIT_READS: '100000' },
  ...{ LOG_LEVEL: 'error', SESSIONS_PER_USER: '10000' },
}
/** So that nothing is counted but what requests write: no images of whole pages, and no cleaning in between. */
const parameters = {
  ...{ full_page_writes: 'off', autovacuum: 'off', max_connections: '100' },
  ...{ checkpoint_timeout: '1d', max_wal_size: '8GB' },
}

/** How many requests a round sends, what the ratio is to be at most, and what one request is. */
const operations = {
  'read a session': { count: 1000, most: 1.6, send: (side, index) => side.readSession(index) },
  refresh: { count: 500, most: 1.8, send: (side, index) => side.refresh(index) },
  'log out': {
    count: 300,
    most: 2,
    before: (side, count) => side.prepareLogouts(count),
    send: (side) => side.logOut(),
  },
}

export async function measureFloor() {
  await withDataDir(async (dataDir) => {
    const postgres = await startEmbeddedPostgres({ dataDir, parameters })
    const admin = new pg.Client({ connectionString: postgres.url })
    const servers = []
    try {
      await admin.connect()
      const start = async (database, bcryptCost, command) => {
        const url = postgres.url.replace(/[^/]+$/, database)
        const own = {
          DATABASE_URL: url,
          BCRYPT_COST: bcryptCost,
          SECRET_KEY: 'of-the-bench-0123456789abcdef0123456789',
        }
        servers.push(await startServer({ dataDir, settings: { ...settings, ...own }, command }))
        return servers.at(-1)
      }
      for (const name of ['ours', 'bare', 'ours_hashing', 'bare_hashing']) await admin.query(`CREATE DATABASE ${name}`)
      const sides = {
        ours: await prepare(await start('ours', '4')),
        floor: await prepare(await start('bare', '4', bareServer)),
      }
      console.log('The whole takes some minutes. Bytes of the write-ahead log come first, CPU after them.')
      const bytes = {}
      for (const [name, side] of Object.entries(sides)) bytes[name] = await logBytes(admin, side)
      const table = await compare(sides)
      const hashing = {
        ours: await prepare(await start('ours_hashing', cost), 8),
        floor: await prepare(await start('bare_hashing', cost, bareServer), 8),
      }
      table.unshift(await compareLogins(hashing))
      table.push({ of: 'log bytes per login', floor: bytes.floor, here: bytes.ours, most: 800 })
      report(table)
    } finally {
      for (const server of servers) await server.stop()
      await admin.end()
      await postgres.stop()
    }
  })
}

/** Users of a server, a session of each, and the requests that are measured. */
async function prepare(server, size = 40) {
  const users = []
  for (let index = 0; index < size; index += 1) users.push(await register(server.api, `bench${index}`))
  const leaving = []
  const logIn = async (index) => {
    const { status, body } = await post(server.api, '/login_credentials', {
      username: `bench${index % size}`,
      password,
    })
    if (status !== 200) throw new Error(`logging in failed with ${status}`)
    return body
  }
  return {
    ...{ server, logIn },
    readSession: (index) => get(server.api, '/api/v1/auth/session', users[index % size].access_token),
    async refresh(index) {
      const user = users[index % size]
      const { status, body } = await post(server.api, '/access_token', { refresh_token: user.refresh_token })
      if (status !== 200) throw new Error(`refreshing failed with ${status}`)
      Object.assign(user, body)
    },
    async prepareLogouts(count) {
      await inParallel(
        4,
        Array.from({ length: count }, (_, index) => index),
        async (index) => {
          leaving.push((await logIn(index)).refresh_token)
        },
      )
    },
    async logOut() {
      const { status } = await post(server.api, '/logout', { refresh_token: leaving.pop() })
      if (status !== 200) throw new Error(`logging out failed with ${status}`)
    },
  }
}

async function logBytes(admin, { logIn }) {
  const count = 400
  const position = async () =>
    Number((await admin.query("SELECT pg_current_wal_insert_lsn() - '0/0' AS at")).rows[0].at)
  // Not before what a new session of each user writes for the first time.
  for (let index = 0; index < 40; index += 1) await logIn(index)
  const before = await settled(position)
  for (let index = 0; index < count; index += 1) await logIn(index)
  return Math.round(((await position()) - before) / count)
}

/** The value once it stays: the mails of the registrations are sent a moment later. */
async function settled(read) {
  for (;;) {
    const value = await read()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    if ((await read()) === value) return value
  }
}

/** CPU milliseconds of the server's process per request. Users are worked on by one client each, as a refresh replaces the token. */
async function costOf(side, { count, before, send }) {
  await before?.(side, count)
  const start = await cpuMs(side.server.pid)
  const lanes = Array.from({ length: 4 }, (_, lane) => lane)
  await Promise.all(
    lanes.map(async (lane) => {
      for (let index = lane; index < count; index += 4) await send(side, index)
    }),
  )
  return ((await cpuMs(side.server.pid)) - start) / count
}

async function compare(sides) {
  const results = []
  for (const [of, operation] of Object.entries(operations)) {
    // The compiler settles first.
    for (const side of Object.values(sides)) for (let round = 0; round < 5; round += 1) await costOf(side, operation)
    const measured = []
    for (let round = 0; round < rounds; round += 1) {
      const floor = await costOf(sides.floor, operation)
      measured.push({ floor, here: await costOf(sides.ours, operation) })
    }
    results.push({ of, ...medians(measured), most: operation.most })
  }
  return results
}

async function compareLogins(sides) {
  const operation = { count: 16, send: (side, index) => side.logIn(index) }
  const hash = await bcrypt.hash(password, Number(cost))
  const bare = async () => {
    const before = process.cpuUsage()
    await inParallel(
      4,
      Array.from({ length: operation.count }, (_, index) => index),
      () => bcrypt.compare(password, hash),
    )
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000 / operation.count
  }
  // The compiler settles first here too, which takes three thousand logins: code that ran a thousand times is still slow.
  const settling = { ...operation, count: 3000 }
  for (const side of Object.values(sides)) await costOf(side, settling)
  const measured = []
  for (let round = 0; round < rounds; round += 1) {
    const alone = await bare()
    const floor = await costOf(sides.floor, operation)
    measured.push({ alone, floor, here: await costOf(sides.ours, operation) })
  }
  return {
    of: 'login',
    ...medians(measured),
    alone: percentile(
      measured.map(({ alone }) => alone),
      50,
    ),
  }
}

function medians(measured) {
  const median = (value) => percentile(measured.map(value), 50)
  return {
    floor: median(({ floor }) => floor),
    here: median(({ here }) => here),
    ratio: median(({ floor, here }) => here / floor),
  }
}

function report(table) {
  const rounded = (value) => (value === undefined ? '' : Number(value.toFixed(3)))
  console.table(
    Object.fromEntries(
      table.map(({ of, floor, here, ratio, most, alone }) => [
        of,
        {
          'Express floor': rounded(floor),
          'this server': rounded(here),
          ratio: rounded(ratio ?? here / floor),
          wanted: alone === undefined ? (ratio ? `ratio ≤ ${most}` : `≤ ${most}`) : `≤ ${(alone + 1.5).toFixed(1)}`,
          'per second and core': ratio ? Math.round(1000 / here) : '',
        },
      ]),
    ),
  )
}
