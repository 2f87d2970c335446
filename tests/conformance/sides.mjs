// The two sides of the comparison: this server, and Django REST framework serving the same paths.
import { execFile, spawn } from 'node:child_process'
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { domainToASCII, fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const secret = randomBytes(32).toString('base64url')
const ourProgram = ['node', fileURLToPath(new URL('../../dist/start.cjs', import.meta.url))]
const secondsPerYear = 365 * 86_400
const children = []
const ended = () => new Error('a server ended before it answered')

/** This server as it is built, with its own PostgreSQL. This process is its one proxy: each row comes from an address of its own. */
export async function startOurs(dataDir) {
  const port = await freePort()
  const settings = {
    ...{ PORT: String(port), HOST: '127.0.0.1', DATA_DIR: dataDir, NODE_ENV: 'development', SECRET_KEY: secret },
    ...{ BCRYPT_COST: '4', TRUST_PROXY: '1', LOG_LEVEL: 'error', REFRESH_GRACE: '0s' },
  }
  const child = start(ourProgram, { cwd: dataDir }, settings)
  const send = sender(port)
  const isReady = () =>
    send({ method: 'GET', path: '/readyz' }).then(
      ({ status }) => status === 200,
      () => false,
    )
  while (!(await isReady())) {
    if (child.exitCode !== null) throw ended()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    send,
    async makeUser({ username, email, password, isActive = true, from }) {
      await send({ ...post('/api/v1/auth/register_credentials', { username, email, password }), from })
      if (!isActive) return
      // The mailbox opens for nothing that came through a proxy.
      const { mails } = JSON.parse((await send({ method: 'GET', path: '/mailbox.json', from: '' })).text)
      const { token } = mails.find(({ to }) => to === withAsciiDomain(email))
      await send({ ...post('/api/v1/auth/verify_email', { token }), from })
    },
    keyOf: (kind) =>
      kind === 'access' ? derivedKey('access token').toString('base64url') : derivedKey('refresh token'),
    publicUrl: `http://localhost:${port}`,
    /** The key that the command prints for services that verify access tokens. */
    async printedKey() {
      const [command, ...args] = ourProgram
      const env = { PATH: process.env.PATH, ...settings }
      const { stdout } = await promisify(execFile)(command, [...args, 'keys', 'show'], { cwd: dataDir, env })
      return stdout.trim()
    },
  }
}

function withAsciiDomain(email) {
  const [local, domain] = email.split('@')
  return `${local}@${domainToASCII(domain)}`
}

function derivedKey(purpose) {
  return Buffer.from(hkdfSync('sha256', secret, '', `auth-server ${purpose}`, 32))
}

/** The framework, as one of the published services. It ends with this process, which closes its input. */
export async function startReference(contract, settings = {}) {
  const script = fileURLToPath(new URL('reference/serve.py', import.meta.url))
  const given = { CONTRACT: contract, SECRET_KEY: randomBytes(32).toString('base64url'), ...settings }
  const child = start(['/usr/bin/python3', '-B', script], { stdin: 'pipe' }, given)
  const lines = createInterface({ input: child.stdout })
  const [port] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => Promise.reject(ended()))])
  const send = sender(Number(port))
  return {
    send,
    makeUser: ({ username, email, password, isActive = true }) =>
      send(post('/users/', { username, email, password, is_active: isActive })),
    keyOf: () => given.SECRET_KEY,
  }
}

export function post(path, body) {
  return { method: 'POST', path, type: 'application/json', body: JSON.stringify(body) }
}

/** The token as if it had been issued a year ago. */
export function aged(token, key) {
  const [header, claims] = token.split('.')
  const genuine = JSON.parse(Buffer.from(claims, 'base64url').toString())
  const iat = genuine.iat - secondsPerYear
  // Tokens of this server repeat the instant in their id.
  const jti = genuine.jti.replace(`.${genuine.iat}.`, `.${iat}.`)
  const older = { ...genuine, jti, iat, exp: genuine.exp - secondsPerYear }
  const content = `${header}.${Buffer.from(JSON.stringify(older)).toString('base64url')}`
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`
}

function start([command, ...args], { stdin = 'ignore', cwd }, settings) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...settings }
  const stdio = [stdin, stdin === 'pipe' ? 'pipe' : 'ignore', 'inherit']
  const child = spawn(command, args, { env, cwd, stdio })
  children.push(child)
  // However this process ends.
  process.once('exit', () => child.kill('SIGTERM'))
  return child
}

/** Ends all sides that were started, also those that are not ready yet. */
export async function stopAll() {
  const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
  const exits = running.map((child) => once(child, 'exit'))
  for (const child of running) child.kill('SIGTERM')
  await Promise.all(exits)
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Sends a request as it stands: nothing is added to its headers but the address that it comes from. */
function sender(port) {
  return ({ method, path, type, body, headers = {}, from = '192.0.2.1' }) =>
    new Promise((resolve, reject) => {
      const bytes = Buffer.from(body ?? '')
      const sent = request({
        ...{ host: '127.0.0.1', port, method, path, agent: false, timeout: 10_000 },
        headers: {
          ...headers,
          ...(type !== undefined && { 'content-type': type }),
          ...(body !== undefined && { 'content-length': bytes.length }),
          ...(from !== '' && { 'x-forwarded-for': from }),
        },
      })
      sent.on('response', (answer) => {
        const chunks = []
        answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject)
        answer.on('end', () => {
          resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() })
        })
      })
      sent.on('timeout', () => sent.destroy(new Error(`${method} ${path} took too long`)))
      sent.on('error', reject).end(bytes)
    })
}
