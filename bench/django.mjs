// Logins a second and the CPU time of one, here and at Django with SimpleJWT, in turn: npm run bench -- django
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startEmbeddedPostgres } from '../dist/embedded-postgres.js'
import { cpuMs, inParallel, password, percentile, register, startServer, withDataDir } from './server.mjs'

const cost = '10'
/** Many short ones in turn, as other work on the machine comes and goes. */
const rounds = 7
const loginsOfRound = 80
/** The compiler settles first: code that ran a thousand times is still slow. */
const loginsBefore = 3000
/** At once, so that both have always one to begin. */
const width = 8
/** Each of these logs in once at a time. */
const usernames = Array.from({ length: width }, (_, index) => `bench${index}`)

export async function measureBesideDjango() {
  await withDataDir(async (dataDir) => {
    const postgres = await startEmbeddedPostgres({ dataDir, parameters: { max_connections: '100' } })
    const urlOf = (database) => postgres.url.replace(/[^/]+$/, database)
    const stops = []
    try {
      const admin = new pg.Client({ connectionString: postgres.url })
      await admin.connect()
      for (const name of ['ours', 'django']) await admin.query(`CREATE DATABASE ${name}`)
      await admin.end()
      const settings = { DATABASE_URL: urlOf('ours'), BCRYPT_COST: cost, SESSIONS_PER_USER: '10000' }
      const ours = await startServer({ dataDir, settings })
      stops.push(ours.stop)
      for (const username of usernames) await register(ours.api, username)
      const django = await startDjango(urlOf('django'))
      stops.push(django.stop)
      const sides = {
        'this server': { url: `${ours.api}/api/v1/auth/login_credentials`, pids: [ours.pid] },
        'Django with SimpleJWT': { url: `${django.api}/login/`, pids: django.pids },
      }
      const measured = Object.fromEntries(Object.keys(sides).map((name) => [name, []]))
      console.log('The whole takes four minutes.')
      for (const side of Object.values(sides)) await logInOften(side, loginsBefore)
      for (let round = 0; round < rounds; round += 1) {
        for (const [name, side] of Object.entries(sides)) measured[name].push(await logInOften(side, loginsOfRound))
      }
      console.table(Object.fromEntries(Object.entries(measured).map(([name, results]) => [name, mediansOf(results)])))
    } finally {
      for (const stop of stops.reverse()) await stop()
      await postgres.stop()
    }
  })
}

async function startDjango(url) {
  const script = fileURLToPath(new URL('django/serve.py', import.meta.url))
  const processes = String(availableParallelism())
  const child = spawn('/usr/bin/python3', ['-B', script, password, cost, processes, ...usernames], {
    env: { DATABASE_URL: url, PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const packages = 'python3-djangorestframework-simplejwt, python3-psycopg2 and python3-bcrypt of Debian'
  const failed = exited.then(() => Promise.reject(new Error(`Django has not started. It needs ${packages}`)))
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failed])
  failed.catch(() => undefined)
  const [port, ...pids] = line.split(' ').map(Number)
  return {
    api: `http://127.0.0.1:${port}`,
    pids,
    async stop() {
      child.stdin.end()
      await exited
    },
  }
}

async function logInOften({ url, pids }, logins) {
  const cpu = async () => (await Promise.all(pids.map(cpuMs))).reduce((sum, each) => sum + each)
  const [before, startedAt] = [await cpu(), performance.now()]
  await inParallel(width, usernames, async (username) => {
    for (let login = 0; login < logins / width; login += 1) await logIn(url, username)
  })
  const seconds = (performance.now() - startedAt) / 1000
  return { perSecond: logins / seconds, cpu: ((await cpu()) - before) / logins }
}

/** On a connection of its own, as the HTTP server of Python's standard library keeps none. */
function logIn(url, username) {
  const body = JSON.stringify({ username, password })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume().on('end', resolve)
      if (answer.statusCode !== 200) reject(new Error(`logging in at ${url} failed with ${answer.statusCode}`))
    })
    sent.on('error', reject).end(body)
  })
}

function mediansOf(results) {
  const median = (name) =>
    percentile(
      results.map((result) => result[name]),
      50,
    )
  return { 'logins a second': Number(median('perSecond').toFixed(1)), 'CPU ms': Number(median('cpu').toFixed(1)) }
}
