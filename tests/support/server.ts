import type { AddressInfo } from 'node:net'
import type { Response, Test } from 'supertest'
import request from 'supertest'
import { createCompositionRoot } from '../../src/composition-root.ts'
import type { Features } from '../../src/features/composition.ts'
import type { RequestGate } from '../../src/features/index.ts'
import { createHttpServer, listen } from '../../src/http/serving/listener.ts'
import { listenForMetrics } from '../../src/http/serving/metrics-listener.ts'
import { createRawResponse } from '../../src/http/serving/raw-response.ts'
import type { Clock, Mail, Mailer } from '../../src/kernel/ports.ts'
import { parseDuration } from '../../src/kernel/time.ts'
import type { ConnectedDatabase, DatabaseLimits } from '../../src/platform/database/database.ts'
import { readConfig, withKeys } from '../../src/settings/config.ts'
import { isSettingName } from '../../src/settings/settings.ts'
import { freshDatabase, patientLimits } from './database.ts'
import { holdAgainstDocument } from './documents.ts'
import { expectErrorFormat, rememberErrorFormats } from './error-formats.ts'
import { createMemoryLogger } from './memory-logger.ts'

const secretKey = 'tests-sign-with-this-key-and-nothing-else-does-0123456789'

/** Sends nothing: the test catches the mails, unless it wants them in the mailbox. */
const mailServer = { EMAIL_HOST: '127.0.0.1', DEFAULT_FROM_EMAIL: 'auth@localhost' }

export interface TestServer {
  readonly url: string
  /** Where `/metrics` is, if METRICS_PORT is set, to whatever port. */
  readonly metricsUrl: string
  readonly settings: Readonly<Record<string, string>>
  readonly database: ConnectedDatabase
  readonly services: Features
  /** Every line that was logged, as JSON. */
  readonly logged: string[]
  /** Marks the server as stopping. */
  markNotReady(): void
  /** A request below /api/v1/auth, unless the path begins with `//`. */
  send(method: Method, path: string, options?: RequestOptions): Promise<Response>
  /** The raw supertest request, for unusual bodies and headers. */
  raw(method: Method, path: string): Test
  /** Moves the clock of all servers on this database forward. */
  pass(duration: string): void
  now(): Date
  /** The mails sent so far, once the outbox is empty: those to one address in order, among those to others. */
  mails(): Promise<readonly Mail[]>
  close(): Promise<void>
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'HEAD'

interface RequestOptions {
  readonly body?: object | undefined
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

interface ServerOptions {
  /** Sends mails where the settings say, by default to the mailbox, instead of catching them for `mails()`. */
  readonly mailbox?: boolean
  /** The build of the demo application. By default none is served. */
  readonly applicationFolder?: URL
  /** Long by default, so that a slow machine does not cut a race short. */
  readonly databaseLimits?: DatabaseLimits
  /** Beside those of the features. */
  readonly moreGates?: readonly RequestGate[]
}

/**
 * The product's own composition root and HTTP server on a port of its own, on a database of its own unless DATABASE_URL
 * names another. The test controls the clock, the mails and the log.
 */
export async function startServer(
  settings: Readonly<Record<string, string>> = {},
  { mailbox = false, applicationFolder, databaseLimits = patientLimits, moreGates }: ServerOptions = {},
): Promise<TestServer> {
  const databaseUrl = settings.DATABASE_URL ?? (await freshDatabase())
  const given = {
    BCRYPT_COST: '4',
    RATE_LIMITS: 'off',
    SECRET_KEY: secretKey,
    ...(!mailbox && mailServer),
    ...settings,
    DATABASE_URL: databaseUrl,
  }
  const unknown = Object.keys(given).filter((name) => !isSettingName(name))
  if (unknown.length > 0) throw new Error(`There is no setting ${unknown.join(', ')}`)
  const config = readConfig(given)
  const [firstKey = '', ...otherKeys] = config.secretKeys

  const clock = clockOf(databaseUrl)
  const caught: Mail[] = []
  const catcher: Mailer = { send: async (mail) => void caught.push(mail) }
  const logged: string[] = []
  const logger = createMemoryLogger(logged)
  const root = await createCompositionRoot(withKeys(config, [firstKey, ...otherKeys]), {
    databaseUrl,
    logger,
    applicationFolder,
    clock,
    mailer: mailbox ? undefined : catcher,
    databaseLimits,
    moreGates,
  })

  const { answer, services, database, markNotReady } = root
  const https = config.server.publicUrl.startsWith('https:')
  const http = createHttpServer(answer, createRawResponse({ https, logger }))
  const address = `http://127.0.0.1:${await listen(http, { host: '127.0.0.1', port: 0 })}`

  const metrics = root.metrics && (await listenForMetrics({ host: '127.0.0.1', port: 0 }, root.metrics.read))
  const metricsPort = (metrics?.address() as AddressInfo | undefined)?.port

  rememberErrorFormats(address, config.contracts.served)

  const raw = (method: Method, path: string): Test => {
    const target = path.startsWith('//') ? path.slice(1) : `/api/v1/auth${path}`
    const call = request(address)[method.toLowerCase() as Lowercase<Method>](target)
    return call.expect((answer) => {
      expectErrorFormat(address, target, answer)
      holdAgainstDocument(method, target, answer, config.contracts.served)
    })
  }

  return {
    url: address,
    metricsUrl: `http://127.0.0.1:${metricsPort}`,
    settings: given,
    database,
    services,
    logged,
    markNotReady,
    raw,
    async send(method, path, { body, token, headers = {} } = {}) {
      const call = raw(method, path).set(headers)
      if (token !== undefined) call.set('Authorization', `Bearer ${token}`)
      return body === undefined ? call : call.send(body)
    },
    pass(duration) {
      clock.pass((parseDuration(duration) ?? Number.NaN) * 1000)
    },
    now: clock.now,
    async mails() {
      await services.mailWorker.drain()
      return caught
    },
    async close() {
      http.closeAllConnections()
      metrics?.close()
      metrics?.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await root.drain(10_000)
      await root.close()
    },
  }
}

interface TestClock extends Clock {
  readonly pass: (ms: number) => void
}

const clocks = new Map<string, TestClock>()

/**
 * Servers on one database share a clock that moves a little with each reading and otherwise by pass() only: a slow
 * machine changes nothing.
 */
function clockOf(databaseUrl: string): TestClock {
  let instant = Date.now()
  const now = () => {
    instant += 1
    return new Date(instant)
  }
  const pass = (ms: number) => {
    instant += ms
  }
  const clock = clocks.get(databaseUrl) ?? { now, pass }
  clocks.set(databaseUrl, clock)
  return clock
}

/** A server that runs during the work. */
export async function withServer(
  settings: Readonly<Record<string, string>>,
  work: (server: TestServer) => Promise<void>,
  options?: ServerOptions,
): Promise<void> {
  const server = await startServer(settings, options)
  try {
    await work(server)
  } finally {
    await server.close()
  }
}
