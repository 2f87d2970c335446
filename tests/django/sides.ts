import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runSql } from '../support/catalog.ts'
import { startPrivatePostgres } from '../support/private-postgres.ts'
import { processKey, startProcess } from '../support/process.ts'

/** The answer to a request. */
export interface Exchange {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: an answer can be anything until it is checked.
  readonly body: any
  readonly text: string
}

interface Side {
  readonly url: string
  /** `POST /token/` with a body, and with an access token. */
  readonly send: (route: string, body?: object, token?: string) => Promise<Exchange>
}

interface DjangoSide extends Side {
  readonly users: { readonly algorithms: readonly string[]; readonly password: string }
}

/** Django and this server, each with its database. */
export interface Sides {
  readonly django: DjangoSide
  readonly ours: Side
  /** `auth-server import django`. */
  readonly importUsers: (
    ...options: readonly string[]
  ) => Promise<{ readonly exit: number | string; readonly output: string }>
  /** This server once more, which writes passwords to Django. */
  readonly writing: () => Promise<Side>
  /** `auth-server import django --follow`. */
  readonly follow: (...options: readonly string[]) => {
    readonly printed: () => string
    readonly end: () => Promise<number | string>
  }
  readonly end: () => Promise<void>
}

/** As `startproject` makes it: long enough to be the key of access tokens here, so that Django verifies those as it is. */
const djangoKey = 'django-insecure-6w#v0&x!q2m(r8k^z5t@b1n$p4s7d9f3g_h-j=l+c'

export async function startSides(): Promise<Sides> {
  const postgres = await startPrivatePostgres()
  const djangoDatabase = new URL(postgres.url)
  djangoDatabase.pathname = '/django'
  await runSql(postgres.url, 'CREATE DATABASE django TEMPLATE template0')
  const django = await startDjango(djangoDatabase.href)
  const settings = {
    ...processKey,
    ...{ DATABASE_URL: postgres.url, BCRYPT_COST: '4', RATE_LIMITS: 'off', LOG_LEVEL: 'error' },
    ...{ DJANGO_SECRET_KEY: djangoKey, ACCESS_TOKEN_KEY: djangoKey, DJANGO_DATABASE_URL: djangoDatabase.href },
    // A replay is to be one at once.
    ...{ DJANGO_ACCESS_TOKENS: 'on', DJANGO_WEAK_HASHES: 'on', REFRESH_GRACE: '0s' },
  }
  const url = await startProcess(settings).ready
  return {
    django,
    ours: { url, send: sender(url) },
    async importUsers(...options) {
      const args = ['import', 'django', '--from', djangoDatabase.href, ...options]
      const command = startProcess(settings, { args })
      const exit = await command.exit
      return { exit, output: command.stdout() + command.stderr() }
    },
    async writing() {
      const url = await startProcess({ ...settings, DJANGO_WRITE_PASSWORDS: 'on' }).ready
      return { url, send: sender(url) }
    },
    follow(...options) {
      const args = ['import', 'django', '--follow', '--every', '1s', ...options]
      const command = startProcess(settings, { args })
      return {
        printed: () => command.stdout() + command.stderr(),
        end() {
          command.kill('SIGTERM')
          return command.exit
        },
      }
    },
    async end() {
      await django.end()
      await postgres.end()
    },
  }
}

async function startDjango(databaseUrl: string): Promise<DjangoSide & { readonly end: () => Promise<void> }> {
  const script = fileURLToPath(new URL('project/serve.py', import.meta.url))
  const { PATH = '', HOME = '' } = process.env
  const child = spawn('/usr/bin/python3', ['-B', script], {
    env: { PATH, HOME, DATABASE_URL: databaseUrl, SECRET_KEY: djangoKey },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const ended = exit.then(() => Promise.reject(new Error('Django ended before it answered')))
  ended.catch(() => undefined)
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])
  const { port, users } = JSON.parse(String(line))
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    users,
    send: sender(url),
    async end() {
      child.stdin.end()
      await exit
    },
  }
}

function sender(url: string): Side['send'] {
  return (route, body, token) => {
    const [method, path = ''] = route.split(' ')
    const headers = {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    }
    return new Promise((resolve, reject) => {
      const sent = request(url + path, { method, headers, agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parsed(text), text }))
      })
      sent.on('error', reject).end(body && JSON.stringify(body))
    })
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
