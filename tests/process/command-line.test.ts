import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { refusalOf } from '../support/answers.ts'
import { runSql } from '../support/catalog.ts'
import { emptyDatabase } from '../support/database.ts'
import { accessTokenKeyOf } from '../support/forgery.ts'
import { countThreads, endProcesses, givenFolder, startProcess, until } from '../support/process.ts'
import { productionSettings } from '../support/production.ts'
import { freePort } from '../support/program.ts'

afterEach(endProcesses)

const packageFile = new URL('../../package.json', import.meta.url)

it('explains itself', async () => {
  const help = startProcess({}, { args: ['--help'] })
  expect(await help.exit).toBe(0)
  expect(help.stdout()).toMatch(/migrate .*[\s\S]*access-token-key[\s\S]*\.env\.example/)

  const version = startProcess({}, { args: ['--version'] })
  expect(await version.exit).toBe(0)
  expect(version.stdout().trim()).toBe(JSON.parse(await readFile(packageFile, 'utf8')).version)
})

describe('access-token-key', () => {
  const [one, two] = ['Zx81kQv0pLw7-mN4tRb2yHs6uJc9eFa3dGg5', 'Yw70jPu9oKv6-lM3sQa1xGr5tIb8dEz2cFf4'] as const

  it('prints the keys that verify access tokens and nothing else', async () => {
    const derived = startProcess({ SECRET_KEY: `${one},${two}` }, { args: ['access-token-key'] })
    expect(await derived.exit).toBe(0)
    const keys = [one, two].map((SECRET_KEY) => accessTokenKeyOf({ SECRET_KEY }))
    expect([derived.stdout(), derived.stderr()]).toEqual([`${keys.join('\n')}\n`, ''])

    const given = startProcess({ SECRET_KEY: one, ACCESS_TOKEN_KEY: two }, { args: ['access-token-key'] })
    expect(await given.exit).toBe(0)
    expect([given.stdout(), given.stderr()]).toEqual([`${two}\n`, ''])
  })

  it('prints the key of the data directory where none is given, the same each time', async () => {
    const DATA_DIR = join(await givenFolder(), 'data')
    const printed: string[] = []
    for (const _turn of [1, 2]) {
      const print = startProcess({ DATA_DIR }, { args: ['access-token-key'] })
      expect(await print.exit).toBe(0)
      printed.push(print.stdout())
    }
    const SECRET_KEY = (await readFile(join(DATA_DIR, 'secret-key'), 'utf8')).trim()
    const key = `${accessTokenKeyOf({ SECRET_KEY })}\n`
    expect(printed).toEqual([key, key])
  })

  it('refuses the secret key of the data directory as access token key', async () => {
    const DATA_DIR = join(await givenFolder(), 'data')
    expect(await startProcess({ DATA_DIR }, { args: ['access-token-key'] }).exit).toBe(0)
    const ACCESS_TOKEN_KEY = (await readFile(join(DATA_DIR, 'secret-key'), 'utf8')).trim()
    const refused = startProcess({ DATA_DIR, ACCESS_TOKEN_KEY }, { args: ['access-token-key'] })
    expect(await refused.exit).toBe(1)
    expect([refused.stdout(), refused.stderr()]).toEqual([
      '',
      expect.stringMatching(/^ACCESS_TOKEN_KEY must not hold /),
    ])
  })
})

it.each([['mirgate'], ['--port=80'], ['migrate', 'now'], ['access-token-key', 'v1']])(
  'refuses words that it does not know: %s',
  async (...args) => {
    const server = startProcess({}, { args })
    expect(await server.exit).toBe(2)
    expect(server.stderr()).toMatch(/^Unknown .*\n[\s\S]*Usage:/)
    expect(server.stdout()).toBe('')
  },
)

it('names all that is wrong with the settings, without a stack', async () => {
  const server = startProcess({ PORT: 'eighty', NODE_ENV: 'production' })
  expect(await server.exit).toBe(1)
  expect(server.stderr()).toMatch(/PORT must be[\s\S]*DATABASE_URL must be set/)
  expect(server.stderr()).not.toMatch(/eighty|^ +at /m)
})

it('names the variables in .env that are no setting', async () => {
  const cwd = await givenFolder()
  await writeFile(join(cwd, '.env'), 'EMIAL_HOST=mail.example.com\nnpm_typo=1\nLOG_LEVEL=loud\n')
  const server = startProcess({ npm_config_loglevel: 'warn', TZ: 'UTC' }, { cwd })
  expect(await server.exit).toBe(1)
  expect(server.stderr()).toMatch(
    /^There is no setting EMIAL_HOST, .*\nThere is no setting npm_typo, .*\n.*\n.*LOG_LEVEL must be one of/,
  )
})

it('says what to do about a busy port, before it makes anything', async () => {
  const folder = await givenFolder()
  const occupier = createServer().listen(0, '127.0.0.1')
  await once(occupier, 'listening')
  const { port } = occupier.address() as AddressInfo
  const server = startProcess({ PORT: String(port), DATA_DIR: join(folder, 'data') })
  expect(await server.exit).toBe(1)
  expect(server.stderr()).toBe(
    `The server cannot listen on PORT ${port} of HOST 127.0.0.1: another program has it. Stop that, or set PORT to another one\n`,
  )
  expect(await readdir(folder)).toEqual([])
  occupier.close()
})

it('migrates and ends', async () => {
  const DATABASE_URL = await emptyDatabase()
  const first = startProcess({ DATABASE_URL }, { args: ['migrate'] })
  expect(await first.exit).toBe(0)
  expect(first.stdout()).toMatch(/^(applied \d{14}_\w+\n)+The database is up to date\.\n$/)
  const second = startProcess({ DATABASE_URL }, { args: ['migrate'] })
  expect(await second.exit).toBe(0)
  expect(second.stdout()).toBe('The database is up to date.\n')
})

it('says in one sentence that DATABASE_URL leads nowhere', async () => {
  const server = startProcess({ DATABASE_URL: 'postgresql://auth:hidden@127.0.0.1:1/auth', DATABASE_WAIT: '0' })
  expect(await server.exit).toBe(1)
  expect(server.stderr()).toMatch(/^The database cannot be reached: .*Check DATABASE_URL.*\n$/)
  expect(server.stderr()).not.toContain('hidden')
})

it('starts twice at once on one new database', async () => {
  const DATABASE_URL = await emptyDatabase()
  const DATA_DIR = await givenFolder()
  const servers = [startProcess({ DATABASE_URL, DATA_DIR }), startProcess({ DATABASE_URL, DATA_DIR })]
  for (const address of await Promise.all(servers.map(({ ready }) => ready))) {
    expect((await fetch(`${address}/readyz`)).status).toBe(200)
  }
  const rows = await runSql<{ name: string }>(DATABASE_URL, 'SELECT migration_name AS name FROM _prisma_migrations')
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  for (const server of servers) server.kill('SIGTERM')
  expect(await Promise.all(servers.map(({ exit }) => exit))).toEqual([0, 0])
})

it('says that it lives, and is not ready, while another instance migrates', async () => {
  const DATABASE_URL = await emptyDatabase()
  const other = new Client({ connectionString: DATABASE_URL })
  await other.connect()
  await other.query('SELECT pg_advisory_lock(72707369)')
  const PORT = String(await freePort())
  const server = startProcess({ DATABASE_URL, PORT, DATA_DIR: await givenFolder() })
  const answered: string[] = []
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${PORT}${path}`)
    answered.push(path)
    return answer
  }
  await until(() => answersAt(PORT))
  const [early, alive, ready] = await Promise.all([ask('/mailbox'), ask('/healthz?x=1'), ask('/readyz')])
  // A watching terminal gets each line without delay.
  expect(answered.at(-1)).toBe('/mailbox')
  expect([alive.status, await alive.json()]).toEqual([200, { status: 'ok' }])
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', problem: 'the server is starting' }])
  const headers = Object.fromEntries(early.headers)
  const text = await early.text()
  expect(refusalOf({ status: early.status, headers, text, body: JSON.parse(text) })).toBe('503 starting')
  expect(headers).toMatchObject({ 'retry-after': '1', 'x-frame-options': 'DENY' })
  await other.end()
  await server.ready
  expect(server.stdout()).toContain(headers['x-request-id'])
  expect((await ask('/readyz')).status).toBe(200)
})

// The pool had four threads: with four cores all of them hashed, and a name look-up waited until one was done.
it('has threads for its hashes and four more, or as many as the operator wants', async () => {
  const settings = { DATABASE_URL: await emptyDatabase(), DATA_DIR: await givenFolder() }
  const threadsWith = async (environment: Readonly<Record<string, string>>) => {
    const server = startProcess({ ...settings, ...environment })
    await server.ready
    return countThreads(server.pid)
  }
  const others = (await threadsWith({ UV_THREADPOOL_SIZE: '1' })) - 1
  expect((await threadsWith({ UV_THREADPOOL_SIZE: '11' })) - others).toBe(11)
  expect((await threadsWith({})) - others).toBe(availableParallelism() + 4)
})

it('finishes the request in flight before it stops, and takes no other', async () => {
  const DATA_DIR = await givenFolder()
  const server = startProcess({ DATABASE_URL: await emptyDatabase(), DATA_DIR })
  const port = Number(new URL(await server.ready).port)
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  await once(socket, 'connect')
  socket.write(
    'POST /api/v1/auth/login_credentials HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{',
  )
  // The server says 100 once it has the request.
  await once(socket, 'data')
  server.kill('SIGTERM')
  await until(async () => !(await answersAt(String(port))))
  socket.write('}')
  expect(await server.exit).toBe(0)
  expect(answer).toMatch(/HTTP\/1\.1 400 .*invalid_request/s)
})

it('ends at once at a second signal, unless it is the echo of the first', async () => {
  const clock = new URL('../support/standing-clock.mjs', import.meta.url).href
  const server = startProcess({
    DATABASE_URL: await emptyDatabase(),
    DATA_DIR: await givenFolder(),
    NODE_OPTIONS: `--import=${clock}`,
  })
  const { port } = new URL(await server.ready)
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  // A stop waits for half a request.
  socket.write('GET /healthz HTTP/1.1\r\n')
  server.kill('SIGTERM')
  await until(async () => !(await answersAt(port)))
  server.kill('SIGTERM')
  // Of pending signals the system delivers the one with the lower number first, so this one comes after the echo.
  server.kill('SIGWINCH')
  await until(async () => server.stderr().includes('two seconds later'))
  server.kill('SIGTERM')
  expect(await server.exit).toBe(1)
  socket.destroy()
})

// Node drops the signal setting of nohup.
it('lives on when a terminal that it does not write to is closed', async () => {
  const server = startProcess({ DATABASE_URL: await emptyDatabase(), DATA_DIR: await givenFolder() })
  const address = await server.ready
  server.kill('SIGHUP')
  await until(async () => server.stdout().includes('SIGHUP changes nothing'))
  expect((await fetch(`${address}/readyz`)).status).toBe(200)
  server.kill('SIGTERM')
  expect(await server.exit).toBe(0)
})

it('refuses to open the mailbox to other machines, and names the ways out', async () => {
  const server = startProcess({ PUBLIC_URL: 'https://auth.example.com' })
  expect(await server.exit).toBe(1)
  expect(server.stderr()).toMatch(/PUBLIC_URL must name this machine.*NODE_ENV=production.*EMAIL_HOST/)
})

it('writes only JSON in production, and warns there of settings that are seldom right', async () => {
  const server = startProcess({
    ...productionSettings,
    DATABASE_URL: await emptyDatabase(),
    SECRET_KEY: 'Zx81kQv0pLw7-mN4tRb2yHs6uJc9eFa3dGg5',
    EMAIL_HOST: 'mail.example.com',
    EMAIL_USE_TLS: 'off',
  })
  expect((await fetch(`${await server.ready}/readyz`)).status).toBe(200)
  server.kill('SIGTERM')
  expect(await server.exit).toBe(0)
  const lines = server.stdout().trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(
    expect.arrayContaining(['migrations applied', expect.stringMatching(/rest-auth hides it; set EMAIL/), 'listening']),
  )
  expect(lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: expect.stringMatching(/^EMAIL_USE_TLS is off .*set it to on$/) }),
  )
  expect(server.stderr()).toBe('')
})

/** Whether a program accepts connections there. */
async function answersAt(port: string): Promise<boolean> {
  const socket = connect(Number(port), '127.0.0.1')
  const taken = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return taken
}
