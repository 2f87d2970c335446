// What requests cost with many users and with a thousand, in turn, beside PostgreSQL's own look-up and update by key in the same run.
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { sizes } from './fill.mjs'
import { withFilledDatabases } from './filled-server.mjs'
import { cpuMs, get, inParallel, password, percentile, post, register } from './server.mjs'

const rounds = 9
const lanes = 4
/** So that nothing is counted but what requests do. Images of whole pages are written, as they are in operation. */
const parameters = { autovacuum: 'off', checkpoint_timeout: '1d', max_wal_size: '32GB', shared_buffers: '6GB' }

/** All that requests touch is in memory. Otherwise reading it would be most of what is measured, of the look-up above all. */
const warmUp = `
  CREATE EXTENSION pg_prewarm;
  SELECT sum(pg_prewarm(oid)) FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND relname !~ ('^events_(?!' || to_char(now(), 'YYYY_MM') || ')')`

const bodies = { lookUp: 'SELECT * FROM users WHERE id = $1', update: 'UPDATE plain_rows SET at = now() WHERE id = $1' }

/** How many of each are in a round, and what one is. At a thousand users no session ends twice, and no address is mailed twice. */
const operations = {
  'look-up by key': { count: 400, send: (side) => side.query('lookUp', side.anyone(1)) },
  'update by key': { count: 400, send: (side) => side.query('update', side.anyone(5)) },
  'read a session': { count: 300, send: (side) => get(side.api, '/api/v1/auth/session', side.access(side.one(1), 0)) },
  'list sessions': { count: 100, send: (side) => get(side.api, '/api/v1/auth/sessions', side.access(side.one(1), 0)) },
  'log in': {
    count: 100,
    send: (side) => side.post('/login_credentials', { username: `user${side.one(2)}`, password }),
  },
  refresh: { count: 200, send: (side) => side.refresh(side.one(2)) },
  'log out': { count: 100, send: (side) => side.logOut() },
  'verify a token': { count: 200, send: (side) => side.post('/verify_token', { token: side.access(side.one(1), 0) }) },
  'change the profile': { count: 100, send: (side) => side.changeProfile(side.one(1)) },
  'change the password': { count: 30, send: (side) => side.changePassword(side.one(4)) },
  'forgot password': {
    count: 30,
    send: (side) => side.post('/forgot_password', { email: `user${side.anyone(1)}@example.com` }),
  },
  register: { count: 50, send: (side) => register(side.api, `new${side.counted('new')}`) },
}

export async function measureScale({ users }) {
  await withFilledDatabases(parameters, async ({ admin, prepare }) => {
    const sides = []
    for (const count of [1000, users]) {
      const { database, pool, filled, start } = await prepare(count)
      await pool.query(warmUp)
      if (count === users) console.table((await pool.query(sizes)).rows)
      const server = await start()
      sides.push({ ...server, ...clientOf(server, filled), ...statementsOf(admin, pool, database) })
    }
    report(users, await measure(sides))
  })
}

/** Executions by the clients of a database, as PostgreSQL counts them. */
function statementsOf(admin, pool, database) {
  return {
    query: (name, value) => pool.query({ name, text: bodies[name], values: [value] }),
    /** Waits until the mails of the requests are sent, which is a part of their cost. */
    async settle() {
      const queued = "SELECT FROM outbox_mails WHERE status = 'queued' LIMIT 1"
      while ((await pool.query(queued)).rows.length > 0) await delay(100)
    },
    reset: () =>
      admin.query(`SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = $1`, [database]),
    /** Per request, without what runs beside them. */
    async read(count) {
      const { rows } = await admin.query(
        `SELECT sum(total_exec_time) / $2 AS ms, sum(shared_blks_hit + shared_blks_read)::float8 / $2 AS pages,
           sum(wal_bytes)::float8 / $2 AS bytes, sum(wal_fpi)::float8 / $2 AS images
         FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1) AND calls >= $2::integer / 4`,
        [database, count],
      )
      return rows[0]
    },
  }
}

/** The requests of users who stand in different parts of the tables, with the tokens that they would have. */
function clientOf({ api, mint }, filled) {
  const counts = {}
  const latest = new Map()
  const counted = (name) => (counts[name] = (counts[name] ?? -1) + 1)
  // The step has no divisor in common with such numbers, so all of them come before one comes again.
  const anyone = (share) => 1 + ((counted('anyone') * 7919) % (filled.users * share))
  // Of a quarter of the users, so that what ends sessions ends no others that are used.
  const one = (quarter) => 4 * ((counted(quarter) * 7919) % Math.floor(filled.users / 4)) + quarter
  const token = (kind, id, number) => mint(kind, filled.session(id, number))
  const access = (id, number) => latest.get(id)?.access_token ?? token('access', id, number)
  async function send(path, body, sender) {
    const answer = await post(api, path, body, sender)
    if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  return {
    ...{ anyone, one, counted, access, post: send },
    async refresh(id) {
      const refresh_token = latest.get(id)?.refresh_token ?? token('refresh', id, 1)
      latest.set(id, await send('/access_token', { refresh_token }))
    },
    logOut: () => {
      const ended = Math.floor(counted('logout') / Math.floor(filled.users / 4))
      return send('/logout', { refresh_token: token('refresh', one(3), ended) })
    },
    changeProfile: (id) =>
      send('/profile', { first_name: `Ada${counted('name')}` }, { accessToken: access(id, 0), method: 'PATCH' }),
    async changePassword(id) {
      const before = latest.get(id)
      const passwords = {
        current_password: before?.password ?? password,
        new_password: `${password} ${counted('password')}`,
      }
      const pair = await send('/change_password', passwords, { accessToken: access(id, 0) })
      latest.set(id, { ...pair, password: passwords.new_password })
    },
  }
}

async function measure(sides) {
  // The compiler settles first.
  for (const side of sides) for (const operation of Object.values(operations)) await sendAll(side, operation)
  const measured = {}
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, operation] of Object.entries(operations)) {
      measured[name] ??= []
      // The first in a turn may be slower or faster, so each is first in every second one.
      const isReversed = round % 2 === 0
      const costs = []
      for (const side of isReversed ? sides.toReversed() : sides) costs.push(await costOf(side, operation))
      measured[name].push(isReversed ? costs.toReversed() : costs)
    }
    console.log(`round ${round} of ${rounds}`)
  }
  return measured
}

/** What a request of that kind costs: milliseconds of the server's CPU, and what PostgreSQL counts. */
async function costOf(side, operation) {
  await side.reset()
  const before = await cpuMs(side.pid)
  await sendAll(side, operation)
  await side.settle()
  return { cpu: ((await cpuMs(side.pid)) - before) / operation.count, ...(await side.read(operation.count)) }
}

function sendAll(side, { count, send }) {
  const numbers = Array.from({ length: count }, (_, index) => index)
  return inParallel(lanes, numbers, () => send(side))
}

function report(users, measured) {
  const median = (name, value) => percentile(measured[name].map(value), 50)
  const cost = (name, side, key) => Number(median(name, (pair) => pair[side][key]).toFixed(3))
  const growth = (name, key) => Number(median(name, ([few, many]) => many[key] / few[key]).toFixed(2))
  const grownBeside = (name, other) => Number((growth(name, 'ms') / growth(other, 'ms')).toFixed(2))
  const table = (row) => console.table(Object.fromEntries(Object.keys(operations).map((name) => [name, row(name)])))
  console.log(`${users.toLocaleString('en')} users against 1,000: milliseconds, medians of ${rounds} rounds`)
  table((name) => ({
    ...(name.endsWith('by key')
      ? { 'CPU, 1,000': '', CPU: '', ratio: '' }
      : { 'CPU, 1,000': cost(name, 0, 'cpu'), CPU: cost(name, 1, 'cpu'), ratio: growth(name, 'cpu') }),
    ...{ 'SQL, 1,000': cost(name, 0, 'ms'), SQL: cost(name, 1, 'ms'), growth: growth(name, 'ms') },
    ...{ 'to look-up': grownBeside(name, 'look-up by key'), 'to update': grownBeside(name, 'update by key') },
  }))
  console.log('wanted: a ratio of at most 1.15, and at most 1.15 times the growth of the look-up')
  console.log('Pages touched, images of pages in the log, and bytes of the log, for each request:')
  table((name) => ({
    ...{ 'pages, 1,000': cost(name, 0, 'pages'), pages: cost(name, 1, 'pages'), images: cost(name, 1, 'images') },
    ...{ 'bytes, 1,000': Math.round(cost(name, 0, 'bytes')), bytes: Math.round(cost(name, 1, 'bytes')) },
  }))
  console.log(`load of the machine at the end: ${loadavg().map((load) => load.toFixed(1))}`)
}
