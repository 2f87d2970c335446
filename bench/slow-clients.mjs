// Holds the built server (npm run build) with hundreds of slow clients, by slowhttptest of Debian, while others are served:
// npm run bench:slow. Fails when somebody else got no answer, or when slow clients are never let go.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile, register, startServer, withDataDir } from './server.mjs'

const slowClients = 500

/** Longer than the server's patience with anybody: whoever is still connected then was not let go. */
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

/** Ends by itself when the server has let go of all its connections. */
function attack(args, api) {
  const [path] = args.slice(-1)
  const rate = ['-c', String(slowClients), '-r', '250', '-l', String(longestSeconds), '-p', '3']
  const child = spawn('slowhttptest', [...args.slice(0, -1), api + path, ...rate], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', () => reject(new Error('slowhttptest is needed: apt-get install slowhttptest')))
    child.on('close', () => resolve(text))
  })
}

async function residentMiB(pid) {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)
}

async function measure(server, headers, args) {
  const { api, pid } = server
  const port = Number(new URL(api).port)
  const over = new AbortController()
  const others = serveOthers({ api, headers, signal: over.signal })
  const startedAt = performance.now()
  let [most, memory] = [0, 0]
  const watch = setInterval(async () => {
    most = Math.max(most, await heldConnections(port))
    memory = Math.max(memory, await residentMiB(pid))
  }, 250)
  const report = args ? await attack(args, api) : await delay(10_000, '')
  const seconds = (performance.now() - startedAt) / 1000
  clearInterval(watch)
  over.abort()
  const { healthz, session } = await others
  const p99 = (answers) =>
    Math.round(
      percentile(
        answers.map(({ ms }) => ms),
        99,
      ) * 10,
    ) / 10
  const unanswered = [...healthz, ...session].filter(({ status }) => status !== 200)
  for (const { status } of unanswered.slice(0, 3)) console.log(`somebody else got: ${status}`)
  const letGo = !args || /No open connections left/i.test(report)
  if (!letGo) console.log(report.slice(-1500))
  return {
    'most connections': most,
    'all let go after s': letGo ? Math.round(seconds) : 'never',
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
  rows['nobody is slow'] = await measure(server, headers, undefined)
  for (const [name, args] of Object.entries(attacks)) rows[name] = await measure(server, headers, args)
  await server.stop()
  console.table(rows)
  if (Object.values(rows).some((row) => row.unanswered > 0 || row['all let go after s'] === 'never'))
    process.exitCode = 1
})
