import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const packageFile = new URL('../package.json', import.meta.url)

/** What `npm start` runs, without a shell in between: the process is Node's. */
const startCommand = JSON.parse(await readFile(packageFile, 'utf8'))
  .scripts.start.replace('exec ', '')
  .split(' ')

/** A free port of this machine. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts the built server with its own PostgreSQL in a data directory, and waits until it can serve. */
export async function startServer({ dataDir, settings = {}, command = startCommand }) {
  const port = await freePort()
  const startedAt = performance.now()
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, PORT: String(port), DATA_DIR: dataDir, RATE_LIMITS: 'off', LOG_LEVEL: 'error', ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const api = `http://127.0.0.1:${port}`
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`)
    const answer = await fetch(`${api}/readyz`).catch(() => undefined)
    if (answer?.ok) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const startMs = performance.now() - startedAt
  return {
    api,
    pid: child.pid,
    startMs,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Runs the work with a data directory that is removed afterwards. */
export async function withDataDir(work) {
  const dataDir = await mkdtemp(join(tmpdir(), 'auth-bench-'))
  try {
    return await work(dataDir)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

const agent = new Agent({ keepAlive: true })

/** POSTs JSON to our own API, perhaps with an access token, and reads the answer. */
export function post(api, path, body, accessToken) {
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length, ...authorization(accessToken) }
  return exchange(`${api}/api/v1/auth${path}`, { method: 'POST', headers }, bytes)
}

const authorization = (accessToken) => accessToken !== undefined && { authorization: `Bearer ${accessToken}` }

/** Reads what is at the path, perhaps with an access token. */
export async function get(api, path, accessToken) {
  const { status, body } = await exchange(`${api}${path}`, { headers: { ...authorization(accessToken) } })
  if (status !== 200) throw new Error(`${path} answered ${status}`)
  return body
}

/** With a client that costs little beside what is measured. */
function exchange(url, options, bytes) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, agent }, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) }))
    })
    sent.on('error', reject).end(bytes)
  })
}

export const password = 'correct horse battery'

/** Registers a user of this name and answers with the token pair. */
export async function register(api, name) {
  const { status, body } = await post(api, '/register_credentials', {
    username: name,
    email: `${name}@example.com`,
    password,
  })
  if (status !== 201) throw new Error(`registering failed: ${JSON.stringify(body)}`)
  return body
}

/** What the process holds in memory. */
export async function residentMiB(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
}

/** The value below which so many hundredths of the values lie. */
export function percentile(values, hundredths) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * hundredths) / 100))]
}
