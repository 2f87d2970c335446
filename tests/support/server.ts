import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Response, Test } from 'supertest'
import request from 'supertest'
import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Logger, Mail, Mailer } from '../../src/kernel/ports.ts'
import { parseDuration } from '../../src/kernel/time.ts'
import type { ConnectedDatabase } from '../../src/platform/database.ts'
import { connectDatabase, isDatabaseUnavailable } from '../../src/platform/database.ts'
import { createBcryptHasher } from '../../src/platform/password-hasher.ts'
import { createJwtSigner } from '../../src/platform/token-signer.ts'
import type { Services } from '../../src/services.ts'
import { createServices } from '../../src/services.ts'
import { freshDatabase } from './database.ts'

const secretKey = 'tests-sign-with-this-key-and-nothing-else-does-0123456789'

export interface TestServer {
  readonly url: string
  readonly settings: Readonly<Record<string, string>>
  readonly database: ConnectedDatabase
  readonly services: Services
  /** Every line that was logged, as JSON. */
  readonly logged: string[]
  /** A request below /api/v1/auth unless the path names another place with `//`. */
  send(method: Method, path: string, options?: RequestOptions): Promise<Response>
  /** The raw supertest request, for bodies and headers that no sane client sends. */
  raw(method: Method, path: string): Test
  /** Lets the server's clock go on. */
  pass(duration: string): void
  now(): Date
  /** The mails that were sent so far, oldest first, once the outbox is empty. */
  letters(): Promise<readonly Mail[]>
  close(): Promise<void>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'HEAD'

interface RequestOptions {
  readonly body?: object | undefined
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

export interface ServerOptions {
  /** A database of an earlier server, for two servers on one. */
  readonly databaseUrl?: string
  readonly mailer?: Mailer
  /** Without it, mails are caught for `letters()`. */
  readonly mailbox?: boolean
}

/** The whole app on a port of its own and a database of its own; the clock, the mails and the log are the test's. */
export async function startServer(
  settings: Readonly<Record<string, string>> = {},
  { databaseUrl, mailer, mailbox = false }: ServerOptions = {},
): Promise<TestServer> {
  const url = databaseUrl ?? (await freshDatabase())
  const config = readConfig({
    BCRYPT_COST: '4',
    RATE_LIMITS: 'off',
    SECRET_KEY: secretKey,
    DATABASE_URL: url,
    ...settings,
  })
  const secretKeys = config.secretKeys as [string, ...string[]]

  let offsetMs = 0
  const clock = { now: () => new Date(Date.now() + offsetMs) }
  const caught: Mail[] = []
  const catcher: Mailer = { send: async (mail) => void caught.push(mail) }
  const logged: string[] = []
  const logger = createMemoryLogger(logged)

  const database = connectDatabase({ url, poolSize: config.database.poolSize })
  const services = createServices(
    { ...config, secretKeys },
    {
      database,
      clock,
      logger,
      hasher: createBcryptHasher({
        cost: config.passwords.bcryptCost,
        peppers: config.passwords.peppers,
        queueLimit: config.passwords.hashQueue,
      }),
      signer: createJwtSigner({
        secretKeys,
        ...config.tokens,
        longestLifetime: { access: config.sessions.accessLifetime, refresh: config.sessions.refreshLifetime },
        clock,
      }),
      mailer: mailbox ? undefined : (mailer ?? catcher),
    },
  )
  const app = createApp({
    config,
    services,
    logger,
    isDatabaseUnavailable,
    whyNotReady: () =>
      database.ping().then(
        () => undefined,
        () => 'database',
      ),
  })
  const http = createServer(app).listen(0, '127.0.0.1')
  await new Promise((resolve) => http.once('listening', resolve))
  const address = `http://127.0.0.1:${(http.address() as AddressInfo).port}`

  const raw = (method: Method, path: string): Test => {
    const target = path.startsWith('//') ? path.slice(1) : `/api/v1/auth${path}`
    return request(address)[method.toLowerCase() as Lowercase<Method>](target)
  }

  return {
    url: address,
    settings: { SECRET_KEY: secretKey, ...settings, DATABASE_URL: url },
    database,
    services,
    logged,
    raw,
    async send(method, path, { body, token, headers = {} } = {}) {
      const call = raw(method, path).set(headers)
      if (token !== undefined) call.set('Authorization', `Bearer ${token}`)
      return body === undefined ? call : call.send(body)
    },
    pass(duration) {
      offsetMs += (parseDuration(duration) ?? Number.NaN) * 1000
    },
    now: clock.now,
    async letters() {
      await services.mailWorker.drain()
      return caught
    },
    async close() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await services.mailWorker.stop()
      await database.close()
    },
  }
}

function createMemoryLogger(lines: string[]): Logger {
  const write = (level: string) => (facts: object, message: string) => {
    lines.push(
      JSON.stringify({ level, message, ...facts }, (_key, value) => (value instanceof Error ? value.stack : value)),
    )
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}
