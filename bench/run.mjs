// Measures the built server (npm run build) on this machine: npm run bench -- --help
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import bcrypt from 'bcrypt'
import { measureCleanUp } from './clean-up.mjs'
import { measureBesideDjango } from './django.mjs'
import { measureFloor } from './floor.mjs'
import { measureScale } from './scale.mjs'
import {
  cpuMs,
  get,
  inParallel,
  password,
  percentile,
  post,
  register,
  residentMiB,
  startServer,
  withDataDir,
} from './server.mjs'
import { measureSoak } from './soak.mjs'
import { measureWorkers } from './workers.mjs'

const benches = {
  /** From `npm start` until the server can serve, on an empty data directory and on one with data; without npm too, with the CPU time. */
  start: () =>
    withDataDir(async (dataDir) => {
      const command = ['npm', 'start', '--silent']
      const first = await startServer({ dataDir, command })
      await first.stop()
      const [later, direct, cpu] = [[], [], []]
      for (let round = 0; round < 7; round += 1) {
        const throughNpm = await startServer({ dataDir, command })
        later.push(throughNpm.startMs)
        await throughNpm.stop()
        const server = await startServer({ dataDir })
        direct.push(server.startMs)
        cpu.push(await cpuMs(server.pid))
        await server.stop()
      }
      console.table({
        'first start': { ms: Math.round(first.startMs) },
        'later, median of 7': { ms: Math.round(percentile(later, 50)) },
        'without npm, median of 7': { ms: Math.round(percentile(direct, 50)) },
        'CPU of the server, median of 7': { ms: Math.round(percentile(cpu, 50)) },
      })
    }),

  /** Resident memory of the Node process, idle and after 1,000 registrations. */
  memory: () =>
    withDataDir(async (dataDir) => {
      const server = await startServer({ dataDir, settings: { BCRYPT_COST: '4' } })
      const idle = await residentMiB(server.pid)
      const people = Array.from({ length: 1000 }, (_, index) => `bench${index}`)
      await inParallel(8, people, (name) => register(server.api, name))
      const after = await residentMiB(server.pid)
      await server.stop()
      console.table({ idle: { MiB: idle }, 'after 1,000 registrations': { MiB: after } })
    }),

  /** CPU of a login, a read, a refresh and a logout against a bare Express server, and what a login writes to PostgreSQL's log. */
  floor: measureFloor,

  /** Logins a second here and at Django with SimpleJWT, which Debian's packages install. */
  django: measureBesideDjango,

  /** Session reads and logins a second with several workers. */
  workers: measureWorkers,

  /** Logins a second against a bare bcrypt loop with as many comparisons at once, in turn, at cost 10. */
  logins: () =>
    withDataDir(async (dataDir) => {
      const server = await startServer({ dataDir, settings: { BCRYPT_COST: '10' } })
      await register(server.api, 'bench')
      const hash = await bcrypt.hash(password, 10)
      const width = availableParallelism()
      // The compiler settles first, as in a server that has run for a minute: it still improves after a thousand logins.
      for (let round = 0; round < 6; round += 1) await perSecond(width * 8, () => logIn(server.api))
      const ratios = []
      for (let round = 0; round < 5; round += 1) {
        const bare = await perSecond(width, () => bcrypt.compare(password, hash))
        const logins = await perSecond(width * 8, () => logIn(server.api))
        ratios.push({ 'bare bcrypt/s': bare, 'logins/s': logins, ratio: logins / bare })
      }
      await server.stop()
      console.table(ratios)
      console.log(`ratio, median of 5: ${medianRatio(ratios).toFixed(3)}`)
    }),

  /** Latency of GET /session, idle and while 64 clients log in without pause. */
  latency: () =>
    withDataDir(async (dataDir) => {
      const server = await startServer({ dataDir, settings: { HASH_QUEUE: '128' } })
      await register(server.api, 'bench')
      // For another user: more logins than SESSIONS_PER_USER end the oldest sessions.
      const { access_token } = await register(server.api, 'reader')
      const readSession = () =>
        fetch(`${server.api}/api/v1/auth/session`, { headers: { authorization: `Bearer ${access_token}` } }).then(
          (answer) => answer.json(),
        )
      const idle = await latencies(readSession, 300)
      const loading = new AbortController()
      const clients = Array.from({ length: 64 }, async () => {
        while (!loading.signal.aborted) await logIn(server.api)
      })
      const loaded = await latencies(readSession, 1000)
      loading.abort()
      await Promise.all(clients)
      await server.stop()
      console.table({ idle: summary(idle), 'under 64 logging in': summary(loaded) })
    }),

  /** How long a login takes, alone and right behind 80 that another network sends at once; at cost 10. */
  fairness: () =>
    withDataDir(async (dataDir) => {
      const server = await startServer({ dataDir, settings: { BCRYPT_COST: '10', TRUST_PROXY: '1' } })
      await register(server.api, 'bench')
      const ordinary = () => logIn(server.api, '203.0.113.2')
      const alone = await latencies(ordinary, 40)
      const [behind, floods, outcomes] = [[], [], []]
      for (let round = 0; round < 10; round += 1) {
        const guess = (index) => ({ username: `unregistered${round}-${index}`, password: 'a guess' })
        const startedAt = performance.now()
        const flood = Array.from({ length: 80 }, (_, index) =>
          post(server.api, '/login_credentials', guess(index), { address: '203.0.113.1' }),
        )
        behind.push(...(await latencies(ordinary, 1)))
        outcomes.push(...(await Promise.all(flood)).map(({ status }) => status))
        floods.push(performance.now() - startedAt)
      }
      await server.stop()
      const refusedShare = outcomes.filter((status) => status === 503).length / outcomes.length
      console.table({ alone: summary(alone), 'behind a flood': summary(behind), 'the whole flood': summary(floods) })
      console.log(`of the flood ${(refusedShare * 100).toFixed(0)} % were refused with 503`)
    }),

  /**
   * CPU time of the server process on the same endpoint through a published contract and through our own API, in turn.
   */
  contracts: () =>
    withDataDir(async (dataDir) => {
      const server = await startServer({ dataDir })
      const { access_token } = await register(server.api, 'bench')
      const cost = async (path) => {
        const before = await cpuMs(server.pid)
        const requests = Array.from({ length: 4000 }, () => path)
        await inParallel(4, requests, () => get(server.api, path, access_token))
        return ((await cpuMs(server.pid)) - before) / requests.length
      }
      // The compiler settles first.
      for (const path of ['/api/v1/auth/session', '/api/protected/']) await cost(path)
      const ratios = []
      for (let round = 0; round < 5; round += 1) {
        const own = await cost('/api/v1/auth/session')
        const foreign = await cost('/api/protected/')
        ratios.push({ 'own ms': own, 'foreign ms': foreign, ratio: foreign / own })
      }
      await server.stop()
      console.table(ratios)
      console.log(`ratio, median of 5: ${medianRatio(ratios).toFixed(3)}`)
    }),

  /** CPU time of the server process on refused requests against accepted ones; at cost 10. */
  refusals: () =>
    withDataDir(async (dataDir) => {
      const server = await startServer({ dataDir, settings: { BCRYPT_COST: '10' } })
      await register(server.api, 'bench')
      const { access_token } = await register(server.api, 'reader')
      await register(server.api, 'guessed')
      const guess = (username) => post(server.api, '/login_credentials', { username, password: 'a guess' })
      const session = (token) => get(server.api, '/api/v1/auth/session', token)
      const cost = async (count, work, { pid } = server) => {
        const before = await cpuMs(pid)
        await inParallel(
          8,
          Array.from({ length: count }, (_, index) => index),
          work,
        )
        return ((await cpuMs(pid)) - before) / count
      }
      // The compiler settles first.
      await cost(3000, () => session(access_token))
      await cost(300, () => logIn(server.api))
      const login = await cost(100, () => logIn(server.api))
      const read = await cost(3000, () => session(access_token))
      const unknown = await cost(100, (index) => guess(`unregistered${index}`))
      for (let failure = 0; failure < 5; failure += 1) await guess('guessed')
      const throttled = await cost(100, () => guess('guessed'))
      const incomplete = await cost(3000, () => post(server.api, '/login_credentials', { username: 'bench' }))
      const forged = await cost(3000, () => refused(session(`${access_token.slice(0, -4)}AAAA`)))
      // Of ten times the length each: 10 where the work grows with the length, 100 where it grows with its square.
      const [spaces, manySpaces] = [
        await cost(1000, () => contentType(server.api, 1500)),
        await cost(1000, () => contentType(server.api, 15_000)),
      ]
      const [names, manyNames] = [
        await cost(300, () => queryNames(server.api, 360)),
        await cost(300, () => queryNames(server.api, 3600)),
      ]
      await server.stop()
      const limited = await startServer({ dataDir, settings: { BCRYPT_COST: '10', RATE_LIMITS: 'on' } })
      const beyondBudget = await cost(
        3000,
        () => post(limited.api, '/login_credentials', { username: 'bench' }),
        limited,
      )
      await limited.stop()
      const row = (accepted, ms) => ({ 'CPU ms': Number(ms.toFixed(2)), ratio: Number((ms / accepted).toFixed(3)) })
      console.table({
        'login, accepted': row(login, login),
        'login, unregistered name': row(login, unknown),
        'login, too many failures': row(login, throttled),
        'login, no password': row(login, incomplete),
        'login, beyond the budget': row(login, beyondBudget),
        'session, accepted': row(read, read),
        'session, forged token': row(read, forged),
        'content type of 15 kB against 1.5 kB': row(spaces, manySpaces),
        'query of 3,600 names against 360': row(names, manyNames),
      })
    }),
}

async function contentType(api, spaces) {
  const headers = { 'content-type': `application/json${' '.repeat(spaces)}x` }
  const answer = await fetch(`${api}/api/v1/auth/verify_token`, { method: 'POST', headers, body: '{}' })
  if (answer.status !== 415) throw new Error(`a broken content type was answered with ${answer.status}`)
  await answer.arrayBuffer()
}

async function queryNames(api, count) {
  const query = Array.from({ length: count }, (_, index) => index.toString(36)).join('&')
  const headers = { accept: 'application/json' }
  const answer = await fetch(`${api}/api/auth/verify-email/?${query}`, { headers })
  if (answer.status !== 400) throw new Error(`a query without a token was answered with ${answer.status}`)
  await answer.arrayBuffer()
}

async function refused(request) {
  const isRefused = await request.then(
    () => false,
    () => true,
  )
  if (!isRefused) throw new Error('what was to be refused was accepted')
}

function medianRatio(ratios) {
  return percentile(
    ratios.map(({ ratio }) => ratio),
    50,
  )
}

async function logIn(api, address) {
  const { status } = await post(api, '/login_credentials', { username: 'bench', password }, { address })
  if (status !== 200) throw new Error(`logging in failed with ${status}`)
}

async function perSecond(width, work) {
  // At the end of each window cores are idle until the last request: the longer the window, the smaller the error.
  const seconds = 10
  const startedAt = performance.now()
  let count = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (performance.now() - startedAt < seconds * 1000) {
        await work()
        count += 1
      }
    }),
  )
  return (count * 1000) / (performance.now() - startedAt)
}

async function latencies(work, count) {
  const taken = []
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now()
    await work()
    taken.push(performance.now() - startedAt)
  }
  return taken
}

function summary(values) {
  const [p50, p99, max] = [50, 99, 100].map((hundredths) => Number(percentile(values, hundredths).toFixed(1)))
  return { 'p50 ms': p50, 'p99 ms': p99, 'max ms': max }
}

/** They take much longer than the others, or gigabytes of disk, so they run only when they are named. */
const large = {
  /** Memory in half an hour of mixed load. */
  soak: measureSoak,

  /** CPU and SQL of each request with many users against a thousand. */
  scale: measureScale,

  /** Latency of session reads before, while and after many dead sessions are deleted. */
  'clean-up': measureCleanUp,
}

const usage = `npm run bench -- [${Object.keys(benches).join('|')}] …   (all of these when none is named)
npm run bench -- soak                        how much memory half an hour of mixed load takes
npm run bench -- scale [--users 1000000]     what requests cost with so many users, against a thousand
npm run bench -- clean-up [--dead 10000000]  how long sessions are read for while so many dead ones are deleted`

function readArguments() {
  const options = { help: { type: 'boolean' }, users: { type: 'string' }, dead: { type: 'string' } }
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [users, dead] = [Number(values.users ?? 1_000_000), Number(values.dead ?? 10_000_000)]
    // Fewer would run out of what a request can be sent for once.
    if (!Number.isInteger(users) || users < 1000) throw new Error('--users takes a whole number from 1000')
    if (!Number.isInteger(dead) || dead < 100_000) throw new Error('--dead takes a whole number from 100000')
    const unknown = positionals.find((name) => !Object.hasOwn({ ...benches, ...large }, name))
    if (unknown !== undefined) throw new Error(`there is no ${unknown}`)
    return { isHelp: values.help, wanted: positionals, users, dead }
  } catch (error) {
    return { error }
  }
}

const { error, isHelp, wanted, users, dead } = readArguments()
if (error || isHelp) {
  console.log(error ? `${error.message}\n${usage}` : usage)
  process.exit(error ? 2 : 0)
}
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  console.log(`\n${name}`)
  await { ...benches, ...large }[name]({ users, dead })
}
