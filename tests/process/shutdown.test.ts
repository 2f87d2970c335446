import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { freshDatabase } from '../support/database.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { loggedLogins, logIn, startLoginClient } from '../support/login-client.ts'
import {
  endProcesses,
  givenFolder,
  isRunning,
  postgresPid,
  processKey,
  startProcess,
  until,
} from '../support/process.ts'
import { startSmtpServer } from '../support/smtp-server.ts'

/** Ends the services beside the processes. */
const services: (() => Promise<void>)[] = []
afterEach(async () => {
  await endProcesses()
  for (const stop of services.splice(0)) await stop()
})

const json = { 'Content-Type': 'application/json' }

async function startServer(settings: Readonly<Record<string, string>> = {}) {
  const server = startProcess({ ...processKey, DATABASE_URL: await freshDatabase(), RATE_LIMITS: 'off', ...settings })
  return { server, url: await server.ready }
}

async function givenUser(url: string) {
  const user = randomUser()
  const sent = { method: 'POST', headers: json, body: JSON.stringify(user) }
  expect((await exchange(url, '/api/v1/auth/register_credentials', sent)).status).toBe(201)
  return user
}

describe.each(['1', '2'])('a stop with WEB_CONCURRENCY=%s', (WEB_CONCURRENCY) => {
  it('answers all requests that it has accepted under load, on kept connections and on new ones', async () => {
    const { server, url } = await startServer({ WEB_CONCURRENCY })
    const { username, password } = await givenUser(url)
    const clients = [true, false].flatMap((keepAlive) =>
      Array.from({ length: 5 }, () => startLoginClient(url, { username, password }, keepAlive)),
    )
    await until(async () => clients.every(({ statuses }) => statuses.length > 5))
    server.kill('SIGTERM')
    expect(await Promise.all(clients.map(({ end }) => end))).toEqual(Array(10).fill('not accepted'))
    expect([await server.exit, server.stderr()]).toEqual([0, ''])
    const answered = clients.flatMap(({ statuses }) => statuses)
    expect(answered).toEqual(Array(answered.length).fill(200))
    expect(loggedLogins(server)).toEqual(answered)
  })
})

/** A request of which the server has the head and half of the body. */
async function givenHalfARequest(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('utf8')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(
    `POST ${logIn} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{`,
  )
  // The server says 100 once it has the request.
  await once(socket, 'data')
  return socket
}

const untilRefused = (url: string) =>
  until(() =>
    exchange(url, '/readyz').then(
      () => false,
      () => true,
    ),
  )

it('says that it is not ready before it stops to accept, and answers what is in flight after that', async () => {
  const pause = new URL('../support/held-pause.mjs', import.meta.url).href
  const { server, url } = await startServer({ NODE_OPTIONS: `--import=${pause}` })
  const inFlight = await givenHalfARequest(url)
  const early = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('utf8')
  await once(early, 'connect')
  server.kill('SIGTERM')
  await until(async () => (await exchange(url, '/readyz')).status === 503)
  const accepted = await exchange(url, logIn, { method: 'POST', headers: json, body: '{}' })
  expect([accepted.status, accepted.headers.connection]).toEqual([400, 'close'])
  server.kill('SIGUSR2')
  await untilRefused(url)
  // A connection that was accepted before is served.
  early.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const [late] = await once(early, 'data')
  expect(late).toMatch(/^HTTP\/1\.1 503 [\s\S]*\r\nConnection: close\r\n[\s\S]*the server is stopping/)
  inFlight.write('}')
  const [answer] = await once(inFlight, 'data')
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*\r\nConnection: close\r\n[\s\S]*invalid_request/)
  expect(await server.exit).toBe(0)
})

/** Servers in which something hangs, each with what has to be gone after the stop. */
const hanging = {
  async 'a request'() {
    const { server, url } = await startServer()
    await givenHalfARequest(url)
    return server
  },
  async 'a request to one of two workers'() {
    const { server, url } = await startServer({ WEB_CONCURRENCY: '2' })
    await givenHalfARequest(url)
    return server
  },
  async 'the mail server'() {
    let hangs = false
    const { smtp, stop } = await startSmtpServer({
      options: {
        onMailFrom() {
          hangs = true
        },
      },
    })
    services.push(stop)
    const { host: EMAIL_HOST, port } = smtp
    const mail = { EMAIL_HOST, EMAIL_PORT: String(port), EMAIL_USE_TLS: 'off', DEFAULT_FROM_EMAIL: 'auth@example.com' }
    const { server, url } = await startServer(mail)
    await givenUser(url)
    await until(async () => hangs)
    return server
  },
  async 'the database'() {
    const proxy = await startDatabaseProxy(await freshDatabase())
    services.push(proxy.cut)
    const { server, url } = await startServer({ DATABASE_URL: proxy.url })
    const { username, password } = await givenUser(url)
    proxy.blackhole()
    startLoginClient(url, { username, password }, false)
    return server
  },
  async 'its own PostgreSQL, and a request'() {
    const DATA_DIR = await givenFolder()
    const server = startProcess({ DATA_DIR })
    await givenHalfARequest(await server.ready)
    process.kill((await postgresPid(DATA_DIR)) ?? 0, 'SIGSTOP')
    return server
  },
}

/** The processes below this one. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

it('ends within ten seconds whatever hangs, and leaves no process behind', async () => {
  const stopped = Object.entries(hanging).map(async ([what, start]) => {
    const server = await start()
    const children = await childrenOf(server.pid)
    server.kill('SIGTERM')
    const outcome = await Promise.race([server.exit, delay(10_000, 'is still running')])
    for (const pid of children) await until(async () => !(await isRunning(pid)))
    return [what, outcome]
  })
  expect(await Promise.all(stopped)).toEqual(Object.keys(hanging).map((what) => [what, 0]))
})

it('ends at once at a second signal, unless it is the echo of the first', async () => {
  const clock = new URL('../support/standing-clock.mjs', import.meta.url).href
  const DATA_DIR = await givenFolder()
  const server = startProcess({ DATA_DIR, NODE_OPTIONS: `--import=${clock}` })
  const url = await server.ready
  const postgres = (await postgresPid(DATA_DIR)) ?? 0
  // A stop waits for half a request.
  const socket = await givenHalfARequest(url)
  server.kill('SIGTERM')
  await untilRefused(url)
  server.kill('SIGTERM')
  // Of pending signals the system delivers the one with the lower number first, so this one comes after the echo.
  server.kill('SIGWINCH')
  await until(async () => server.stderr().includes('two seconds later'))
  expect(await isRunning(server.pid)).toBe(true)
  server.kill('SIGTERM')
  expect(await server.exit).toBe(1)
  expect(await isRunning(postgres)).toBe(false)
  socket.destroy()
})
