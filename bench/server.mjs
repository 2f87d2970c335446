import { spawn } from 'node:child_process'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const packageFile = new URL('../package.json', import.meta.url)

/** The command of `npm start` without a shell in between, so that the process is Node's. */
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

/** A server that has not come up by then will not. */
const startLimitMs = 60_000

/** Starts the built server with its own PostgreSQL in a data directory, and waits until it can serve. */
export async function startServer({ dataDir, settings = {}, command = startCommand }) {
  const port = await freePort()
  const startedAt = performance.now()
  const logFile = join(dataDir, `bench-${port}.log`)
  const log = await open(logFile, 'w')
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, PORT: String(port), DATA_DIR: dataDir, RATE_LIMITS: 'off', LOG_LEVEL: 'error', ...settings },
    stdio: ['ignore', log.fd, log.fd],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  await log.close()
  const api = `http://127.0.0.1:${port}`
  while (!(await isReady(api))) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    if (!hasEnded && performance.now() - startedAt < startLimitMs) continue
    child.kill('SIGKILL')
    await exited
    const why = hasEnded ? `ended with ${child.exitCode ?? child.signalCode}` : 'was not ready within a minute'
    throw new Error(`the server ${why}. Its log: ${await readFile(logFile, 'utf8')}`)
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

/** Asked again in a moment when it is not. */
async function isReady(api) {
  const answer = await fetch(`${api}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
  if (answer?.ok) return true
  await new Promise((resolve) => setTimeout(resolve, 10))
  return false
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

/** POSTs JSON to our own API, or sends it by another method, perhaps with an access token or as if forwarded for an address; reads the answer. */
export function post(api, path, body, sender) {
  return exchange(api, `${sender?.method ?? 'POST'} /api/v1/auth${path}`, JSON.stringify(body), sender)
}

/** Reads what is at the path, perhaps with an access token. */
export async function get(api, path, accessToken) {
  const { status, body } = await exchange(api, `GET ${path}`, '', { accessToken })
  if (status !== 200) throw new Error(`${path} answered ${status}`)
  return body
}

const idleConnections = new Map()

/** With a client that costs little beside what is measured: it understands the answers of this server and no others. */
function exchange(api, line, content, { accessToken, address } = {}) {
  const { host, hostname, port } = new URL(api)
  const idle = idleConnections.get(api) ?? []
  idleConnections.set(api, idle)
  const known = idle.pop()
  const connection = known && !known.destroyed ? known : connect(Number(port), hostname)
  return new Promise((resolve, reject) => {
    let received = ''
    const settle = (end, value) => {
      connection.removeAllListeners()
      end(value)
    }
    connection.on('error', (error) => settle(reject, error))
    connection.on('close', () => settle(reject, new Error(`${line}: the server closed the connection`)))
    connection.on('data', (chunk) => {
      received += chunk.toString('latin1')
      const bodyAt = received.indexOf('\r\n\r\n') + 4
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1])
      if (bodyAt < 4 || received.length < bodyAt + length) return
      idle.push(connection)
      settle(resolve, { status: Number(received.slice(9, 12)), body: JSON.parse(received.slice(bodyAt)) })
    })
    const authorization = accessToken === undefined ? '' : `authorization: Bearer ${accessToken}\r\n`
    const forwarded = address === undefined ? '' : `x-forwarded-for: ${address}\r\n`
    const type = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(content)}\r\n`
    connection.write(
      `${line} HTTP/1.1\r\nhost: ${host}\r\n${authorization}${forwarded}${content && type}\r\n${content}`,
    )
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

/** The memory of the process. */
export async function residentMiB(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
}

/** The CPU time of all threads of the process so far, of the kernel's work for it too. */
export async function cpuMs(pid) {
  const threads = await readdir(`/proc/${pid}/task`)
  const taken = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')))
  return taken.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6
}

export async function inParallel(width, items, work) {
  const queue = [...items]
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item)
    }),
  )
}

/** The value below which so many hundredths of the values lie. */
export function percentile(values, hundredths) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * hundredths) / 100))]
}
