import cluster from 'node:cluster'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import dotenv from 'dotenv'
import { readOptions } from '../tests/support/options.mjs'
import { projectRoot } from './bundle.mjs'
import { createTypeCheck } from './check-types.mjs'
import { compile } from './compile.mjs'
import { watchTree } from './watch.mjs'

const usage = `Usage: npm run dev

Runs the server, and replaces it by a new one after each change in src, prisma, data or .env. The server that runs goes on answering until
the new one is ready, and stays if that cannot be compiled or does not start. The types are checked beside it. PostgreSQL is started once,
unless DATABASE_URL names another. Ctrl-C stops all of it. The settings are those of npm start.

Options:
  --help  show this
`

const { help } = readOptions({ help: { type: 'boolean', short: 'h' } }, usage)
if (help) {
  process.stdout.write(usage)
  process.exit(0)
}

/** How long a server has to stop by itself. */
const stopMs = 12_000

const say = (text) => process.stdout.write(`[dev] ${text}\n`)
const types = createTypeCheck(say)
const children = new Set()
let postgres
let endWatch = () => undefined
let answering
let starting
let introduced = false
let stopping = false

process.chdir(projectRoot)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0))
try {
  await begin()
} catch (error) {
  say(error.message)
  await stop(1)
}

async function begin() {
  const begunAt = performance.now()
  const problem = await compile()
  if (problem !== undefined) throw new Error(problem)
  const databaseUrl = await provideDatabase()
  if (stopping) return
  // The servers share one port: this process takes the connections, and gives each to a server that listens.
  cluster.setupPrimary({ exec: join(projectRoot, 'dist/start.cjs'), args: [], silent: true })
  const environment = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }
  let work = startServer(environment, begunAt)
  endWatch = watchTree(projectRoot, { folders: ['src', 'prisma', 'data'], files: ['.env'] }, () => {
    work = Promise.resolve(work).then(() => restart(environment))
  })
}

/** The address of the PostgreSQL that is started here; undefined when the settings name another. */
async function provideDatabase() {
  const { readConfig } = await import('../dist/config.js')
  const { startEmbeddedPostgres } = await import('../dist/embedded-postgres.js')
  const given = { ...(existsSync('.env') && dotenv.parse(readFileSync('.env'))), ...process.env }
  const { production, server, database } = readConfig(given, (path) => readFileSync(path, 'utf8'))
  if (production) throw new Error('NODE_ENV is production: run the server with npm start')
  if (typeof server.port === 'string') throw new Error(`PORT is ${server.port}: npm run dev listens at a number only`)
  if (database.url !== undefined) return undefined
  // For two servers, while one takes over from the other, and for other programs that look at the database.
  const parameters = { max_connections: String(3 * database.poolSize + 20) }
  postgres = startEmbeddedPostgres({ dataDir: database.dataDir, parameters })
  const { url, died } = await postgres
  void died.then(({ message }) => {
    say(message)
    void stop(1)
  })
  return url
}

async function restart(environment) {
  const begunAt = performance.now()
  const problem = await compile()
  if (stopping) return
  if (problem !== undefined) return say(`${problem}\n${outlook()}`)
  startServer(environment, begunAt)
}

const outlook = () =>
  answering ? 'The server from before the change goes on answering.' : 'No server runs. Change a file to start one.'

function startServer(environment, begunAt) {
  types.stop()
  starting?.process.kill('SIGKILL')
  const worker = cluster.fork(environment)
  const { process: child } = worker
  starting = worker
  children.add(child)
  child.stderr.pipe(process.stderr, { end: false })
  createInterface({ input: child.stdout }).on('line', (line) => {
    // The banner was printed at the first start: later servers print their log only.
    if (worker !== starting || !introduced || line.startsWith('{')) process.stdout.write(`${line}\n`)
    if (worker === starting && line === 'Stop it with Ctrl-C.') takeOver(worker, begunAt)
  })
  child.on('exit', (code, signal) => {
    children.delete(child)
    if (worker !== answering && worker !== starting) return
    if (worker === answering) answering = undefined
    else starting = undefined
    if (stopping) return
    types.start()
    say(`The server ended with ${code ?? signal}. ${outlook()}`)
  })
}

function takeOver(worker, begunAt) {
  const previous = answering
  answering = worker
  starting = undefined
  // Only now: an earlier check would delay the new server.
  types.start()
  // From here on it gets no new connection; then it stops as usual.
  previous?.disconnect()
  previous?.process.kill('SIGTERM')
  const seconds = ((performance.now() - begunAt) / 1000).toFixed(2)
  say(
    introduced ? `Restarted in ${seconds} s.` : 'The server restarts after each change in src, prisma, data and .env.',
  )
  introduced = true
}

async function stop(code) {
  if (stopping) return
  stopping = true
  endWatch()
  types.stop()
  await Promise.all([...children].map(end))
  const started = await postgres?.catch(() => undefined)
  await started?.stop()
  process.exit(code)
}

async function end(child) {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = delay(stopMs, undefined, { ref: false }).then(() => child.kill('SIGKILL'))
  await Promise.race([ended, late])
}
