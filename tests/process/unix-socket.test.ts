import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { emptyDatabase } from '../support/database.ts'
import type { ServerProcess } from '../support/process.ts'
import { endProcesses, givenFolder, processKey, startProcess, until } from '../support/process.ts'
import { freePort } from '../support/program.ts'
import type { SocketAnswer } from '../support/socket-exchange.ts'
import { exchangeOver } from '../support/socket-exchange.ts'

afterEach(endProcesses)

interface SocketServer {
  readonly path: string
  readonly server: ServerProcess
  readonly ask: (path: string, sent?: Parameters<typeof exchangeOver>[2]) => Promise<SocketAnswer>
}

async function givenSocketServer(settings: Readonly<Record<string, string>> = {}): Promise<SocketServer> {
  const path = settings.PORT ?? join(await givenFolder(), 'auth.sock')
  const DATABASE_URL = settings.DATABASE_URL ?? (await emptyDatabase())
  const server = startProcess({ ...processKey, TRUST_PROXY: '1', ...settings, DATABASE_URL, PORT: path })
  const ask: SocketServer['ask'] = (target, sent) => exchangeOver(path, target, sent)
  const isReady = async () => (await ask('/readyz').catch(() => undefined))?.status === 200
  const ended = server.exit.then(() => true)
  await until(async () => (await isReady()) || (await Promise.race([ended, false])))
  return { path, server, ask }
}

const credentials = { username: 'ada', email: 'ada@example.com', password: 'a first good password' }
const json = (body: object, address?: string) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...(address !== undefined && { 'X-Forwarded-For': address }) },
  body: JSON.stringify(body),
})
const logIn = '/api/v1/auth/login_credentials'

describe('a Unix socket as PORT', () => {
  it('serves the API and the documentation, and is gone after the stop', async () => {
    const { path, server, ask } = await givenSocketServer()
    const registered = await ask('/api/v1/auth/register_credentials', json(credentials, '203.0.113.9'))
    expect(registered.status).toBe(201)
    const { access_token } = JSON.parse(registered.text)
    const session = await ask('/api/v1/auth/session', { headers: { Authorization: `Bearer ${access_token}` } })
    expect(JSON.parse(session.text).session.ip).toBe('203.0.113.9')
    expect((await ask('/docs')).status).toBe(200)

    await until(async () => server.stdout().includes('Stop it with'))
    expect(server.stdout()).toContain(`Socket   ${path}`)
    expect(server.stdout()).toContain('API      http://localhost/api/v1/auth')
    expect(server.stdout()).not.toContain('Mailbox')
    server.kill('SIGTERM')
    expect([await server.exit, server.stderr()]).toEqual([0, ''])
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('may be used by its owner and its group, whatever the umask is', async () => {
    const { path } = await givenSocketServer()
    const { mode } = await stat(path)
    expect((mode & 0o777).toString(8)).toBe('660')
  })

  it('counts each client by the address that the proxy forwards, and warns of one that forwards none', async () => {
    const { server, ask } = await givenSocketServer()
    const warnings = () =>
      server
        .stdout()
        .split('\n')
        .filter((line) => line.includes('without X-Forwarded-For'))
    const left = async (address?: string) => (await ask(logIn, json({}, address))).headers.ratelimit
    expect(await left('203.0.113.1')).toContain('r=29;')
    expect(await left('203.0.113.1')).toContain('r=28;')
    // The client wrote the first address, the proxy the second.
    expect(await left('203.0.113.1, 203.0.113.2')).toContain('r=29;')
    expect(warnings()).toEqual([])
    expect(await left()).toContain('r=29;')
    expect(await left()).toContain('r=28;')
    await until(async () => warnings().length > 0)
    expect(warnings()).toHaveLength(1)
  })

  it('shows the development mailbox to no client, as each may be a proxy', async () => {
    const { ask } = await givenSocketServer()
    await ask('/api/v1/auth/register_credentials', json(credentials, '203.0.113.9'))
    for (const path of ['/mailbox', '/mailbox.json', '/mailbox/1', '/mailbox/1/message']) {
      for (const headers of [{}, { 'X-Forwarded-For': '127.0.0.1' }, { 'X-Forwarded-For': '::1', Host: '127.0.0.1' }]) {
        const { status, text } = await ask(path, { headers })
        expect([path, status]).toEqual([path, 403])
        expect(text).toContain('local_only')
        expect(text).not.toContain('token=')
      }
    }
  })

  it('answers while it starts, and finishes what is in flight before it stops', async () => {
    const folder = await givenFolder()
    const path = join(folder, 'auth.sock')
    const DATABASE_URL = 'postgresql://auth:pw@127.0.0.1:1/auth'
    const server = startProcess({ ...processKey, TRUST_PROXY: '1', DATABASE_URL, PORT: path })
    const ask = (target: string) => exchangeOver(path, target).catch(() => undefined)
    await until(async () => (await ask('/healthz'))?.status === 200)
    expect((await ask('/readyz'))?.status).toBe(503)
    server.kill('SIGTERM')
    expect(await server.exit).toBe(0)
    expect(await readdir(folder)).toEqual([])
  })

  it('takes the place of one that a killed server left behind', async () => {
    const first = await givenSocketServer()
    first.server.kill('SIGKILL')
    await first.server.exit
    expect((await lstat(first.path)).isSocket()).toBe(true)
    const second = await givenSocketServer({ PORT: first.path })
    expect((await second.ask('/readyz')).status).toBe(200)
    expect(await readdir(join(first.path, '..'))).toEqual(['auth.sock'])
  })

  it('is left to the server that listens there, also when several start at once on an abandoned one', async () => {
    const first = await givenSocketServer()
    first.server.kill('SIGKILL')
    await first.server.exit
    const DATABASE_URL = await emptyDatabase()
    const racers = [0, 1, 2].map(() =>
      startProcess({ ...processKey, TRUST_PROXY: '1', DATABASE_URL, PORT: first.path }),
    )
    const exits = await Promise.all(
      racers.map((racer) =>
        Promise.race([
          racer.exit,
          until(async () => racer.stdout().includes('Stop it with')).then(
            () => 'serves',
            () => racer.exit,
          ),
        ]),
      ),
    )
    expect(exits.toSorted()).toEqual([1, 1, 'serves'])
    for (const racer of racers.filter((_racer, index) => exits[index] === 1)) {
      expect(racer.stderr()).toBe(
        `The server cannot listen on PORT ${first.path}: another program listens there. Stop that, or set PORT to another path\n`,
      )
    }
    expect((await exchangeOver(first.path, '/readyz')).status).toBe(200)
  })
})

describe('a Unix socket that cannot be had is a start error that says why', () => {
  const refusalOf = async (PORT: string, account = {}) => {
    const server = startProcess(
      { ...processKey, TRUST_PROXY: '1', PORT, DATABASE_URL: 'postgresql://auth:pw@127.0.0.1:1/auth' },
      { account },
    )
    expect(await server.exit).toBe(1)
    return server.stderr().replaceAll(PORT, 'PATH')
  }

  it('where there is no directory', async () => {
    const folder = await givenFolder()
    expect(await refusalOf(join(folder, 'none/auth.sock'))).toBe(
      `The server cannot listen on PORT PATH: there is no directory ${folder}/none. Make it first\n`,
    )
  })

  it('where a file that is no socket has the name; the file stays', async () => {
    const path = join(await givenFolder(), 'notes.txt')
    await writeFile(path, 'mine')
    expect(await refusalOf(path)).toMatch(/^The server cannot listen on PORT PATH: it is a file and no socket\./)
    expect((await stat(path)).size).toBe(4)
  })

  it('where this account may not write', async () => {
    const isRoot = process.getuid?.() === 0
    const folder = join(await givenFolder(), 'closed')
    await mkdir(folder, { mode: 0o555 })
    const sentence = await refusalOf(join(folder, 'auth.sock'), isRoot ? { uid: 65534, gid: 65534 } : {})
    expect(sentence).toBe(
      `The server cannot listen on PORT PATH: this account may not write to ${folder}. Give it that directory, or set PORT to another path\n`,
    )
  })
})

describe('a socket that systemd hands over', () => {
  const children: ChildProcess[] = []
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  /** Starts the server as systemd does: the listening socket becomes file descriptor 3 of the server, and the test gives it up. */
  async function startHandedOver(place: string | number, trustProxy = '1') {
    const listener = createServer()
    if (typeof place === 'string') listener.listen(place)
    else listener.listen(place, '127.0.0.1')
    await once(listener, 'listening')
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle
    const { PATH = '', HOME = '', TMPDIR = '' } = process.env
    const child = spawn('sh', ['-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec bin/auth-server serve'], {
      env: {
        ...{ PATH, HOME, TMPDIR, ...processKey },
        ...{ PORT: 'systemd', PUBLIC_URL: 'http://localhost', DATABASE_URL: await emptyDatabase() },
        TRUST_PROXY: trustProxy,
      },
      stdio: ['ignore', 'pipe', 'pipe', fd],
    })
    children.push(child)
    await once(child, 'spawn')
    await closeKeeping(listener, place)
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    let complaint = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    const exit = once(child, 'close').then(([code]) => code as number)
    await until(async () => output.includes('Stop it with') || child.exitCode !== null)
    return { child, exit, complaint: () => complaint }
  }

  /** Node would remove the path. */
  async function closeKeeping(listener: Server, place: string | number): Promise<void> {
    if (typeof place === 'string') await rename(place, `${place}.aside`)
    listener.close()
    await once(listener, 'close')
    if (typeof place === 'string') await rename(`${place}.aside`, place)
  }

  it('is served, and stays where it is after the stop', async () => {
    const path = join(await givenFolder(), 'auth.sock')
    const { child, exit } = await startHandedOver(path)
    const registered = await exchangeOver(path, '/api/v1/auth/register_credentials', json(credentials, '203.0.113.9'))
    expect(registered.status).toBe(201)
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect((await lstat(path)).isSocket()).toBe(true)
  })

  it.each(['0', '1', '10.0.0.0/8'])(
    'may be one of a port, with proxies before it or none: TRUST_PROXY=%s',
    async (proxies) => {
      const port = await freePort()
      const { child, exit } = await startHandedOver(port, proxies)
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
      child.kill('SIGTERM')
      expect(await exit).toBe(0)
    },
  )

  it('of a path needs the number of proxies before it', async () => {
    const { exit, complaint } = await startHandedOver(join(await givenFolder(), 'auth.sock'), '0')
    expect(await exit).toBe(1)
    expect(complaint()).toMatch(/^TRUST_PROXY must be the number of proxies, 1 or more, when PORT is a socket: /)
  })

  it('must have been handed over', async () => {
    const server = startProcess({ ...processKey, TRUST_PROXY: '1', PORT: 'systemd' })
    expect(await server.exit).toBe(1)
    expect(server.stderr()).toMatch(/^PORT is systemd, which has handed over no socket to this process, .*\n$/)
  })
})
