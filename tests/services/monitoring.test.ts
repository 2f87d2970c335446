import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freshDatabase } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { endProcesses, givenFolder, processKey, startProcess, until } from '../support/process.ts'
import { freePort } from '../support/program.ts'

const folder = fileURLToPath(new URL('../../docs/monitoring/', import.meta.url))

/** Runs promtool, which Debian's package prometheus brings, and fails when it complains. */
async function promtool(args: readonly string[], input = ''): Promise<string> {
  const running = promisify(execFile)('promtool', args, { cwd: folder })
  running.child.stdin?.end(input)
  const { stdout, stderr } = await running
  return stdout + stderr
}

/** What Prometheus gets from a server that has done a little of everything. */
let scrape: string
beforeAll(async () => {
  const port = await freePort()
  const server = startProcess({
    ...processKey,
    DATABASE_URL: await freshDatabase(),
    METRICS_PORT: String(port),
    WEB_CONCURRENCY: '2',
    DATABASE_POOL: '4',
  })
  const url = await server.ready
  const post = (path: string, body: object) =>
    exchange(url, `/api/v1/auth${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  const user = randomUser()
  expect((await post('/register_credentials', user)).status).toBe(201)
  expect((await post('/login_credentials', { username: user.username, password: 'wrong' })).status).toBe(401)
  const read = async () => (await exchange(`http://127.0.0.1:${port}`, '/metrics')).text
  // The deletion of old rows begins with the server.
  await until(async () => /^auth_clean_up_last_success.*password_attempts/m.test(await read()))
  scrape = await read()
})
afterAll(endProcesses)

/** The metrics that a text names, without what a histogram appends. */
function metricsIn(text: string): string[] {
  const names = text.match(/\b(auth|process|nodejs)_[a-z_0-9]+/g) ?? []
  return [...new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')))]
}

const scraped = () => [...scrape.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name)

describe('docs/monitoring', () => {
  it('reads /metrics without a complaint of promtool', async () => {
    expect(await promtool(['check', 'metrics'], scrape)).toBe('')
  })

  it('has alerting rules and a configuration that promtool takes, and whose own tests pass', async () => {
    expect(await promtool(['check', 'rules', 'alerts.yml'])).toContain('SUCCESS')
    expect(await promtool(['check', 'config', 'prometheus.yml'])).toContain('SUCCESS')
    expect(await promtool(['test', 'rules', 'alerts.test.yml'])).toContain('SUCCESS')
  })

  it.each(['alerts.yml', 'alerts.test.yml', 'dashboard.json'])(
    'names in %s only what the server reports',
    async (file) => {
      const named = metricsIn(await readFile(folder + file, 'utf8'))
      expect(named.length).toBeGreaterThan(10)
      expect(named.filter((name) => !scraped().includes(name))).toEqual([])
    },
  )

  it('shows everything that the server reports', async () => {
    const shown = metricsIn(await readFile(`${folder}dashboard.json`, 'utf8'))
    expect(scraped().filter((name) => !shown.includes(name ?? ''))).toEqual([])
  })

  it('has queries that Prometheus can read', async () => {
    const { panels } = JSON.parse(await readFile(`${folder}dashboard.json`, 'utf8'))
    const queries = panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr))
    // As Grafana fills them in. JSON is YAML.
    const rules = queries.map((query: string, index: number) => ({
      record: `query:${index}`,
      expr: query.replaceAll('$job', 'auth-server').replaceAll('$__rate_interval', '1m'),
    }))
    const file = join(await givenFolder(), 'queries.yml')
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    expect(await promtool(['check', 'rules', file])).toContain(`SUCCESS: ${queries.length} rules found`)
  })
})
