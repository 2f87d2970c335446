import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accountsToTry } from '../support/accounts.ts'
import { endProcesses, givenFolder, isRunning, postgresPid, startProcess, until } from '../support/process.ts'

afterEach(endProcesses)

const credentials = { username: 'ada', email: 'ada@example.com', password: 'correct horse battery' }

async function post(url: string, body: object): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response.status
}

async function expectClosed(dataDir: string): Promise<void> {
  for (const name of ['secret-key', 'postgres-password', 'postgres.log']) {
    expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600)
  }
  expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700)
  // Root's PostgreSQL needs to pass through the directory.
  expect((await stat(dataDir)).mode & 0o066).toBe(0)
}

async function register(address: string): Promise<void> {
  expect(await post(`${address}/api/v1/auth/register_credentials`, credentials)).toBe(201)
}

async function expectAda(address: string): Promise<void> {
  const { username, password } = credentials
  expect(await post(`${address}/api/v1/auth/login_credentials`, { username, password })).toBe(200)
}

describe.each(accountsToTry())('as $who', ({ who, account }) => {
  it('answers after one command, shares DATA_DIR with no other server, and keeps the data', async () => {
    const folder = await givenFolder(account)
    const DATA_DIR = join(folder, 'data')
    const first = startProcess({ DATA_DIR }, { account })
    const address = await first.ready
    expect((await fetch(`${address}/healthz`)).status).toBe(200)
    expect(await (await fetch(`${address}/readyz`)).json()).toEqual({ status: 'ready' })
    await expectClosed(DATA_DIR)
    expect(first.stdout()).toMatch(/^ {2}Beware {3}some contracts tell which addresses have an account; README\.md, /m)
    expect(first.stdout()).not.toContain('registering through v1')
    expect(first.stdout()).toMatch(/^ {2}Docs {5}http:\/\/localhost:\d+\/docs$/m)

    const rival = startProcess({ DATA_DIR }, { account })
    expect(await rival.exit).toBe(1)
    expect(rival.stderr()).toBe(
      `Another server (process ${first.pid}) is using DATA_DIR (${DATA_DIR}). Stop it, or set DATA_DIR to another directory\n`,
    )
    await register(address)

    const postgres = await postgresPid(DATA_DIR)
    expect(postgres && (await isRunning(postgres))).toBe(true)
    first.signalGroup('SIGINT')
    expect(await first.exit).toBe(0)
    expect(first.stdout()).toMatch(/"signal":"SIGINT","msg":"stopping"}\n/)
    expect(first.stderr()).toBe('')
    expect(postgres && (await isRunning(postgres))).toBe(false)

    // Root can enter closed folders and its PostgreSQL account cannot: root uses another way to run it there.
    for (const mode of who === 'root' ? [0o700, 0o755] : [0o755]) {
      await chmod(folder, mode)
      const next = startProcess({ DATA_DIR }, { account })
      await expectAda(await next.ready)
      next.kill('SIGTERM')
      expect(await next.exit).toBe(0)
    }
  })
})

it('starts after a kill at any moment', async () => {
  const DATA_DIR = join(await givenFolder(), 'data')
  // While initdb runs, and when PostgreSQL starts for the first time.
  for (const moment of [/^postgres\.new-\w+$/, /^postgres$/]) {
    const killed = startProcess({ DATA_DIR })
    await until(async () => (await readdir(DATA_DIR).catch(() => [])).some((name) => moment.test(name)))
    killed.kill('SIGKILL')
    await killed.exit
  }
  const killed = startProcess({ DATA_DIR })
  await register(await killed.ready)
  const orphan = await postgresPid(DATA_DIR)
  killed.kill('SIGKILL')
  await killed.exit
  expect(orphan && (await isRunning(orphan))).toBe(true)

  const next = startProcess({ DATA_DIR })
  await expectAda(await next.ready)
  expect(orphan && (await isRunning(orphan))).toBe(false)
  expect(await postgresPid(DATA_DIR)).not.toBe(orphan)
})

it('stops at a signal that comes while it starts', async () => {
  const DATA_DIR = join(await givenFolder(), 'data')
  const server = startProcess({ DATA_DIR })
  await until(async () => (await postgresPid(DATA_DIR)) !== undefined)
  const postgres = await postgresPid(DATA_DIR)
  server.signalGroup('SIGINT')
  expect(await server.exit).toBe(0)
  expect(postgres && (await isRunning(postgres))).toBe(false)
})

const ordinary = accountsToTry().filter(({ who }) => who !== 'root')

it.each(ordinary)('says what to do about a DATA_DIR that cannot be written, as $who', async ({ account }) => {
  const DATA_DIR = '/etc/auth-server-tests'
  const server = startProcess({ DATA_DIR }, { account })
  expect(await server.exit).toBe(1)
  expect(server.stderr()).toMatch(
    /^DATA_DIR \(\/etc\/auth-server-tests\) cannot be written: EACCES.*Give it to the account .* or set DATA_DIR/,
  )
})

it("stops at Ctrl-C under npm start, starts although its PostgreSQL's number is now another process, and ends when its PostgreSQL does", async () => {
  const DATA_DIR = join(await givenFolder(), 'data')
  const first = startProcess({ DATA_DIR, NODE_ENV: 'development' }, { throughNpm: true })
  await first.ready
  const postgres = await postgresPid(DATA_DIR)
  const trace = await readFile(join(DATA_DIR, 'postgres/postmaster.pid'), 'utf8')
  first.signalGroup('SIGINT')
  expect(await first.exit).toBe(0)
  expect(postgres && (await isRunning(postgres))).toBe(false)
  expect(await readFile(join(DATA_DIR, 'postgres.log'), 'utf8')).toContain('database system is shut down')

  // As after a crash of the machine, when the number was given to another process, here to this one.
  await writeFile(join(DATA_DIR, 'postgres/postmaster.pid'), trace.replace(/^\d+/, String(process.pid)))
  const second = startProcess({ DATA_DIR })
  expect((await fetch(`${await second.ready}/readyz`)).status).toBe(200)

  const own = await postgresPid(DATA_DIR)
  if (own) process.kill(own, 'SIGQUIT')
  expect(await second.exit).toBe(1)
  expect(second.stderr()).toMatch(/^PostgreSQL ended unexpectedly: .*The end of .*postgres\.log:/)
})
