import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { refusalOf } from '../support/answers.ts'
import { runSql } from '../support/catalog.ts'
import { emptyDatabase } from '../support/database.ts'
import { countThreads, endProcesses, givenFolder, startProcess, until } from '../support/process.ts'
import { productionSettings } from '../support/production.ts'
import { freePort } from '../support/program.ts'

afterEach(endProcesses)

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
