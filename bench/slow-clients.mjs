// Holds the built server (npm run build) with hundreds of slow clients, by slowhttptest of Debian, while others are served:
// npm run bench:slow -- ['slow readers' …]. Fails when another client got no answer, or when slow clients stay
// connected.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile, register, residentMiB, startServer, withDataDir } from './server.mjs'

const slowClients = 500

/** Longer than the server's longest time limit: a client that is still connected then was not disconnected. */
const longestSeconds = 90

const attacks = {
  'slow headers': ['-H', '-i', '2', '-x', '8', '-u', '/api/v1/auth/session'],
  'slow bodies': [...['-B', '-i', '2', '-x', '8', '-s', '8192', '-t', 'POST'], '-u', '/api/v1/auth/login_credentials'],
  'slow readers': ['-X', '-w', '1', '-y', '10', '-n', '5', '-z', '8', '-k', '10', '-u', '/problems'],
}

/** GET with a client that costs little, on a kept connection or on one of its own; how long it took, or what was wrong. */
function ask(url, { headers = {}, agent }) {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const sent = request(url, { headers, agent, timeout: 10_000 }, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode, ms: performance.now() - startedAt }))
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer in 10 s')))
    sent.on('error', (error) => resolve({ status: error.message, ms: performance.now() - startedAt })).end()
  })
}

/** Others, one request after the other on each path, half of them on new connections, until the signal. */
async function serveOthers({ api, headers, signal }) {
  const kept = new Agent({ keepAlive: true })
  const [healthz, session] = await Promise.all(
    [`${api}/healthz`, `${api}/api/v1/auth/session`].map(async (url) => {
      const answers = []
      while (!signal.aborted) {
        answers.push(await ask(url, { headers, agent: answers.length % 2 === 0 ? kept : false }))
        await delay(20)
      }
      return answers
    }),
  )
  kept.destroy()
  return { healthz, session }
}

/** How many connections to the port the kernel holds on the server's side (proc_net_tcp(5); 01 is established). */
async function heldConnections(port) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
  return lines.filter(([, address = '', , state]) => address.endsWith(local) && state === '01').length
}

/** Keeps slow clients for as long as the server tolerates them. */
function attack(args, api) {
  const [path] = args.slice(-1)
  const rate = ['-c', String(slowClients), '-r', '250', '-l', String(longestSeconds), '-p', '3']
  const child = spawn('slowhttptest', [...args.slice(0, -1), api + path, ...rate], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = new Promise((resolve, reject) => {
    child.on('error', () => reject(new Error('slowhttptest is needed: apt-get install slowhttptest')))
    child.on('close', resolve)
  })
  return { ended, stop: () => child.kill('SIGKILL') }
}

/** Watches until the server holds hardly any connection any more, whatever its slow clients believe. */
async function watchConnections({ api, pid }, isOver) {
  const port = Number(new URL(api).port)
  const startedAt = performance.now()
  const seen = { most: 0, memory: 0, letGoAfter: undefined }
  let isHeld = true
  while (isHeld && !isOver()) {
    await delay(250)
    const held = await heldConnections(port)
    seen.most = Math.max(seen.most, held)
    seen.memory = Math.max(seen.memory, await residentMiB(pid))
    isHeld = seen.most < slowClients || held > slowClients / 20
  }
  const seconds = (performance.now() - startedAt) / 1000
  // slowhttptest ends before its time when none of its connections is left.
  if (seen.most >= slowClients && seconds < longestSeconds - 1) seen.letGoAfter = seconds
  return seen
}

async function measure(server, headers, args) {
  const over = new AbortController()
  const others = serveOthers({ api: server.api, headers, signal: over.signal })
  const slow = args ? attack(args, server.api) : { ended: delay(10_000), stop: () => undefined }
  void slow.ended.finally(() => over.abort())
  const { most, memory, letGoAfter } = await watchConnections(server, () => over.signal.aborted)
  slow.stop()
  await slow.ended
  const { healthz, session } = await others
  const p99 = (answers) =>
    Math.round(
      percentile(
        answers.map(({ ms }) => ms),
        99,
      ) * 10,
    ) / 10
  const unanswered = [...healthz, ...session].filter(({ status }) => status !== 200)
  for (const { status } of unanswered.slice(0, 3)) console.log(`another client got: ${status}`)
  return {
    'most connections': most,
    'let go after s': args ? Math.round(letGoAfter) || 'never' : '',
    'MiB at most': memory,
    'requests of others': healthz.length + session.length,
    unanswered: unanswered.length,
    '/healthz p99 ms': p99(healthz),
    '/session p99 ms': p99(session),
  }
}

await withDataDir(async (dataDir) => {
  const server = await startServer({ dataDir })
  const { access_token } = await register(server.api, 'bench')
  const headers = { authorization: `Bearer ${access_token}` }
  const rows = {}
  rows['no slow clients'] = await measure(server, headers, undefined)
  const chosen = Object.entries(attacks).filter(([name]) => process.argv.length < 3 || process.argv.includes(name))
  for (const [name, args] of chosen) rows[name] = await measure(server, headers, args)
  await server.stop()
  console.table(rows)
  if (Object.values(rows).some((row) => row.unanswered > 0 || row['let go after s'] === 'never')) process.exitCode = 1
})
