import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:http'
import { json as readJson } from 'node:stream/consumers'
import { refusalOf, times } from '../support/answers.ts'
import { emptyDatabase, freshDatabase } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import type { ServerProcess } from '../support/process.ts'
import { endProcesses, givenFolder, isRunning, processKey, startProcess, until } from '../support/process.ts'
import { freePort } from '../support/program.ts'

afterEach(endProcesses)

async function startWorkers(count: number | 'auto', settings: Readonly<Record<string, string>> = {}) {
  const metricsPort = await freePort()
  const server = startProcess({
    ...processKey,
    DATABASE_URL: settings.DATABASE_URL ?? (await freshDatabase()),
    DATABASE_POOL: '3',
    WEB_CONCURRENCY: String(count),
    METRICS_PORT: String(metricsPort),
    ...settings,
  })
  const url = await server.ready
  const readMetrics = async () => (await exchange(`http://127.0.0.1:${metricsPort}`, '/metrics')).text
  return { server, url, readMetrics }
}

async function childrenOf({ pid }: ServerProcess): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter(Boolean).map(Number)
}

const logIn = (url: string) => exchange(url, '/api/v1/auth/login_credentials', { method: 'POST' })

/** The value of a series for each worker, by its number. */
function byWorker(text: string, name: string, labels: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
  return new Map(lines.map((line) => [/worker="(\w+)"/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]))
}

describe('WEB_CONCURRENCY', () => {
  it('is 1 when absent: one process serves', async () => {
    const server = startProcess({ ...processKey, DATABASE_URL: await freshDatabase() })
    expect((await logIn(await server.ready)).status).toBe(400)
    expect(await childrenOf(server)).toEqual([])
  })

  it('starts so many workers, of which one applies the migrations', async () => {
    const { server, url } = await startWorkers(3, { DATABASE_URL: await emptyDatabase() })
    expect(await childrenOf(server)).toHaveLength(3)
    expect((await exchange(url, '/readyz')).status).toBe(200)
    expect(server.stdout().split('migrations applied')).toHaveLength(2)
    server.kill('SIGTERM')
    expect([await server.exit, server.stderr()]).toEqual([0, ''])
  })

  it('shares the own PostgreSQL and the key of DATA_DIR, which the primary process has', async () => {
    const dataDir = await givenFolder()
    const server = startProcess({ DATA_DIR: dataDir, WEB_CONCURRENCY: '2' })
    const url = await server.ready
    const body = JSON.stringify({ username: 'ada', email: 'ada@example.com', password: 'correct horse battery' })
    const headers = { 'Content-Type': 'application/json' }
    const registered = await exchange(url, '/api/v1/auth/register_credentials', { method: 'POST', headers, body })
    const Authorization = `Bearer ${registered.body.access_token}`
    const answers = await times(6, () => exchange(url, '/api/v1/auth/session', { headers: { Authorization } }))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    server.kill('SIGTERM')
    expect(await server.exit).toBe(0)
  })

  it('refuses a port that another program has, with one sentence', async () => {
    const { url } = await startWorkers(2)
    const other = startProcess({
      ...processKey,
      DATABASE_URL: await freshDatabase(),
      PORT: new URL(url).port,
      WEB_CONCURRENCY: '2',
    })
    expect(await other.exit).toBe(1)
    expect(other.stderr()).toMatch(/^The server cannot listen on PORT \d+ of HOST [\w.]+: another program has it.*\n$/)
  })
})

describe('workers', () => {
  it('count requests together: of 200 logins, 30 are accepted', async () => {
    const { url, readMetrics } = await startWorkers(2)
    const answers = await times(200, () => logIn(url))
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(30)
    const refused = answers.filter(({ status }) => status !== 400)
    expect(new Set(refused.map(refusalOf))).toEqual(new Set(['429 rate_limited']))
    const served = byWorker(await readMetrics(), 'auth_requests_total', 'contract="v1",endpoint="logIn",status="4xx"')
    expect([...served.keys()].sort()).toEqual(['1', '2'])
    for (const count of served.values()) expect(count).toBeGreaterThan(0)
    expect([...served.values()].reduce((sum, count) => sum + count)).toBe(200)
  })

  it('go on by their own counts while the primary process does not answer', async () => {
    const { server, url } = await startWorkers(2)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = () =>
      new Promise<number>((resolve, reject) => {
        const sent = request(`${url}/api/v1/auth/login_credentials`, { method: 'POST', agent }, (response) => {
          readJson(response).then(() => resolve(response.statusCode ?? 0), reject)
        })
        sent.on('error', reject).end()
      })
    // A connection stays with its worker.
    expect(await ask()).toBe(400)
    server.kill('SIGSTOP')
    const statuses = []
    for (let index = 0; index < 30; index += 1) statuses.push(await ask())
    server.kill('SIGCONT')
    agent.destroy()
    expect(statuses).toEqual([...Array(29).fill(400), 429])
  })

  it('show their counts in one /metrics, beside those of the primary process', async () => {
    const { readMetrics } = await startWorkers(2)
    const text = await readMetrics()
    expect(text).toContain('auth_workers{worker="primary"} 2')
    expect([...byWorker(text, 'process_resident_memory_bytes', '').keys()].sort()).toEqual(['1', '2', 'primary'])
    expect([...byWorker(text, 'auth_hash_queue_limit', '').values()]).toEqual([25, 25])
    expect(text.match(/^# TYPE auth_requests_total counter$/gm)).toHaveLength(1)
  })

  it('are replaced when they die, and the others go on', async () => {
    const { server, url, readMetrics } = await startWorkers(2)
    const [victim = 0, survivor = 0] = await childrenOf(server)
    process.kill(victim, 'SIGKILL')
    await until(async () => !(await isRunning(victim)))
    expect((await exchange(url, '/readyz')).status).toBe(200)
    await until(async () => (await readMetrics()).includes('auth_workers_replaced_total{worker="primary"} 1'))
    await until(async () => byWorker(await readMetrics(), 'auth_hash_queue_limit', '').size === 2)
    expect(await childrenOf(server)).toHaveLength(2)
    expect(await childrenOf(server)).toContain(survivor)
    expect((await times(8, () => exchange(url, '/readyz'))).map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(server.stdout()).toContain('a worker has ended and is replaced')
  })

  it('answer every request that they have begun when the server stops', async () => {
    const { server, url, readMetrics } = await startWorkers(2)
    const body = '{"username":"ada"}'
    const headers = { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }
    const begun = await times(20, async () => {
      const sent = request(`${url}/api/v1/auth/login_credentials`, { method: 'POST', headers, agent: false })
      const answered = once(sent, 'response').then(([response]) => (response as IncomingMessage).statusCode)
      await new Promise((resolve) => sent.write(body.slice(0, 5), resolve))
      return { sent, answered }
    })
    // Answered behind them: what came before has reached its worker.
    await times(20, () => exchange(url, '/readyz'))
    expect(byWorker(await readMetrics(), 'auth_hash_queue_limit', '').size).toBe(2)
    server.kill('SIGTERM')
    await until(() =>
      exchange(url, '/readyz').then(
        () => false,
        () => true,
      ),
    )
    for (const { sent } of begun) sent.end(body.slice(5))
    expect(await Promise.all(begun.map(({ answered }) => answered))).toEqual(Array(20).fill(400))
    expect(await server.exit).toBe(0)
  })

  it('end with the primary process, and at once with a second signal', async () => {
    const { server, url } = await startWorkers(2)
    const workers = await childrenOf(server)
    const headers = { 'Content-Type': 'application/json', 'Content-Length': '1000' }
    const held = request(`${url}/api/v1/auth/login_credentials`, { method: 'POST', headers })
    held.on('error', () => undefined)
    await new Promise((resolve) => held.write('{', resolve))
    let code: number | string | undefined
    void server.exit.then((outcome) => {
      code = outcome
    })
    await until(async () => {
      if (code === undefined) server.kill('SIGTERM')
      return code !== undefined
    })
    expect(code).toBe(1)
    for (const pid of workers) await until(async () => !(await isRunning(pid)))
  })

  it('end when the primary process is killed', async () => {
    const { server } = await startWorkers(2)
    const workers = await childrenOf(server)
    server.kill('SIGKILL')
    for (const pid of workers) await until(async () => !(await isRunning(pid)))
  })
})
