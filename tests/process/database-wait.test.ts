import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { createServer } from 'node:net'
import { refusalOf } from '../support/answers.ts'
import { emptyDatabase } from '../support/database.ts'
import type { DatabaseProxy } from '../support/database-proxy.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import { exchange } from '../support/exchange.ts'
import type { ServerProcess } from '../support/process.ts'
import { endProcesses, processKey, startProcess, until } from '../support/process.ts'
import { freePort } from '../support/program.ts'

const proxies: DatabaseProxy[] = []
const servers: Server[] = []
afterEach(async () => {
  await endProcesses()
  for (const proxy of proxies.splice(0)) await proxy.cut().catch(() => undefined)
  for (const server of servers.splice(0)) server.close()
})

/** A database that cannot be reached until the proxy is repaired. */
async function givenAbsentDatabase(): Promise<DatabaseProxy> {
  const proxy = await startDatabaseProxy(await emptyDatabase())
  await proxy.cut()
  proxies.push(proxy)
  return proxy
}

/** The lines of a server's log, or what a command says to the operator, about the wait. */
const waits = ({ stdout, stderr }: ServerProcess) =>
  `${stdout()}${stderr()}`
    .split('\n')
    .filter((line) => /waiting for the database/i.test(line))
    .map((line) => (line.startsWith('{') ? JSON.parse(line) : line))

/** The server, and the command that refuses. */
const commands = [
  [[], 1],
  [['migrate'], 2],
] as const

const untilItWaits = (server: ServerProcess) => until(async () => waits(server).length > 0)

describe('a database that comes up after the server', () => {
  it('is waited for, while the server says that it lives and is not ready', async () => {
    const proxy = await givenAbsentDatabase()
    const PORT = String(await freePort())
    const server = startProcess({ ...processKey, DATABASE_URL: proxy.url, PORT })
    await untilItWaits(server)
    expect(waits(server)[0]).toMatchObject({
      level: 'warn',
      limit_s: 60,
      reason: expect.stringContaining('ECONNREFUSED'),
    })
    const url = `http://127.0.0.1:${PORT}`
    expect((await exchange(url, '/healthz')).status).toBe(200)
    expect((await exchange(url, '/readyz')).status).toBe(503)
    expect(refusalOf(await exchange(url, '/api/v1/auth/session'))).toBe('503 starting')
    await proxy.mend()
    await server.ready
    expect((await exchange(url, '/readyz')).status).toBe(200)
    expect(server.stdout()).not.toContain(new URL(proxy.url).password)
  })

  it.each([
    ['it is starting up', '57P03', 'the database system is starting up'],
    ['it has no connection left', '53300', 'sorry, too many clients already'],
    ['a pooler cannot reach it yet', '08P01', 'server login failed'],
  ])('is waited for when %s', async (_why, code, message) => {
    const proxy = await givenAbsentDatabase()
    const refusing = await startRefusing(Number(new URL(proxy.url).port), code, message)
    const server = startProcess({ ...processKey, DATABASE_URL: proxy.url })
    await untilItWaits(server)
    expect(waits(server)[0].reason).toContain(message)
    refusing.close()
    await once(refusing, 'close')
    await proxy.mend()
    expect((await exchange(await server.ready, '/readyz')).status).toBe(200)
  })

  it('is waited for when its name is not known yet', async () => {
    const server = startProcess({ ...processKey, DATABASE_URL: 'postgresql://auth:pw@no-such-name.invalid/auth' })
    await untilItWaits(server)
    expect(waits(server)[0].reason).toMatch(/ENOTFOUND|EAI_AGAIN/)
    server.kill('SIGTERM')
    expect([await server.exit, server.stderr()]).toEqual([0, ''])
  })

  it('is waited for by npm run migrate', async () => {
    const proxy = await givenAbsentDatabase()
    const migrate = startProcess({ ...processKey, DATABASE_URL: proxy.url }, { args: ['migrate'] })
    await untilItWaits(migrate)
    await proxy.mend()
    expect(await migrate.exit).toBe(0)
    expect(migrate.stdout()).toContain('The database is up to date.')
  })

  it('is waited for no longer than DATABASE_WAIT', async () => {
    for (const [DATABASE_WAIT, lines] of [
      ['0', 0],
      ['1s', 1],
    ] as const) {
      const { url: DATABASE_URL } = await givenAbsentDatabase()
      for (const [args, code] of commands) {
        const server = startProcess({ ...processKey, DATABASE_URL, DATABASE_WAIT }, { args })
        expect(await server.exit).toBe(code)
        expect(server.stderr()).toMatch(/^The database cannot be reached: .*ECONNREFUSED.*Check DATABASE_URL.*\n$/m)
        expect(waits(server)).toHaveLength(lines)
      }
    }
  })

  it.each([
    ['SIGTERM', [], 0],
    ['SIGINT', [], 0],
    // The step after the migration must not go on without it.
    ['SIGTERM', ['migrate'], 1],
  ] as const)('is not waited for after %s to %j, which is no failure of the server', async (signal, args, code) => {
    const { url: DATABASE_URL } = await givenAbsentDatabase()
    const server = startProcess({ ...processKey, DATABASE_URL, DATABASE_WAIT: '1h' }, { args })
    await untilItWaits(server)
    server.kill(signal)
    expect(await server.exit).toBe(code)
    expect(server.stderr()).toMatch(code === 0 ? /^$/ : /^Waiting for the database, .*\n$/)
  })
})

describe('what does not pass is told at once, however long DATABASE_WAIT is', () => {
  it.each([
    ['a wrong password', (url: URL) => (url.password = 'hidden'), /password authentication failed/],
    ['a database that does not exist', (url: URL) => (url.pathname = 'nowhere'), /"nowhere" does not exist/],
    ['TLS that PostgreSQL does not have', (url: URL) => (url.search = 'sslmode=require'), /has no TLS/],
  ])('%s', async (_what, change, sentence) => {
    const url = new URL(await emptyDatabase())
    change(url)
    for (const [args, code] of commands) {
      const server = startProcess({ ...processKey, DATABASE_URL: url.href, DATABASE_WAIT: '1h' }, { args })
      expect(await server.exit).toBe(code)
      expect(server.stderr()).toMatch(/^The database cannot be reached: .*\n$/)
      expect(server.stderr()).toMatch(sentence)
      expect(waits(server)).toEqual([])
    }
  })
})

/** Speaks just enough of PostgreSQL to refuse every connection. */
async function startRefusing(port: number, code: string, message: string): Promise<Server> {
  const fields = `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`
  const refusal = Buffer.alloc(5 + fields.length)
  refusal.write('E')
  refusal.writeInt32BE(4 + fields.length, 1)
  refusal.write(fields, 5)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    // The request for TLS is eight bytes long.
    socket.on('data', (bytes) => (bytes.length === 8 ? socket.write('N') : socket.end(refusal)))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  expect((server.address() as AddressInfo).port).toBe(port)
  return server
}
