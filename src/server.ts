import type { RequestListener, Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { CompositionRoot } from './composition-root.ts'
import type { EmbeddedPostgres } from './embedded-postgres/start.ts'
import { startEmbeddedPostgres } from './embedded-postgres/start.ts'
import { createStartingListener } from './http/serving/health.ts'
import { createHttpServer, drain, listen } from './http/serving/listener.ts'
import { createRawResponse } from './http/serving/raw-response.ts'
import { StartError } from './kernel/errors.ts'
import type { Logger } from './kernel/ports.ts'
import { openDataDir, readOrCreateSecret } from './platform/data-dir.ts'
import { applyMigrations } from './platform/database/migrations.ts'
import type { CompleteConfig, Config } from './settings/config.ts'
import { withKeys } from './settings/config.ts'
import { countsProxies, proxiesUncounted } from './settings/rules.ts'

/** The whole server, from the database up. In every case `stop` or `kill` comes last. */
export interface AuthServer {
  /** Returns the port, or the socket in its place, once requests are answered. */
  readonly start: () => Promise<number | string>
  /** Only brings the database up to date. Returns the names of the migrations that were applied. */
  readonly migrate: () => Promise<string[]>
  /** Lets a start come to its end, then the requests and mails in flight, and stops everything. */
  readonly stop: () => Promise<void>
  /** Stops only the PostgreSQL that was started, for an end that cannot wait. */
  readonly kill: () => Promise<void>
  /** Resolves when a part has ended that the server cannot do without. */
  readonly failed: Promise<StartError>
}

/** How long requests and mails in flight may last when the server stops. */
const graceMs = 9000

/** How long connections may take to close after that: a network that drops packets silently never answers. */
const closingMs = 500

/** How long connections are still accepted after the server says that it is not ready any more. */
const notReadyDelayMs = 250

/** The demo application, as `npm ci` builds it. */
const applicationFolder = new URL('../examples/spa/dist/', import.meta.url)

export function createAuthServer(config: Config, logger: Logger): AuthServer {
  const stopping = new AbortController()
  let startup: Promise<unknown> | undefined
  let http: Server | undefined
  let postgres: Promise<EmbeddedPostgres> | undefined
  let root: CompositionRoot | undefined
  let reportFailure: (error: StartError) => void
  const failed = new Promise<StartError>((resolve) => {
    reportFailure = resolve
  })

  async function provideDatabase(): Promise<string> {
    const { url, dataDir, poolSize } = config.database
    if (url !== undefined) return url
    postgres = startEmbeddedPostgres({ dataDir, parameters: { max_connections: String(poolSize + 20) } })
    const embedded = await postgres
    void embedded.died.then(reportFailure)
    return embedded.url
  }

  const bringUpToDate = (url: string) =>
    applyMigrations({
      url,
      onWait: ({ pid, application }) =>
        logger.warn(
          { holder_pid: pid, holder: application },
          'waiting: another connection holds the lock for migrations',
        ),
      delays: {
        limitMs: config.database.waitLimit * 1000,
        signal: stopping.signal,
        onWait: ({ reason, waitedMs, limitMs }) =>
          logger.warn(
            { reason, waited_s: Math.round(waitedMs / 1000), limit_s: limitMs / 1000 },
            'waiting for the database, for as long as DATABASE_WAIT says',
          ),
      },
    })

  async function prepare(): Promise<CompositionRoot> {
    const migrated = async () => {
      const url = await provideDatabase()
      const applied = await bringUpToDate(url)
      if (applied.length > 0) logger.info({ migrations: applied }, 'migrations applied')
      return url
    }
    // Loading the app keeps one core busy while PostgreSQL starts on another.
    const [{ createCompositionRoot }, url] = await Promise.all([import('./composition-root.ts'), migrated()])
    return createCompositionRoot(await completeConfig(config), { databaseUrl: url, logger, applicationFolder })
  }

  async function start(): Promise<number | string> {
    let open: (answer: RequestListener) => void = () => undefined
    const opened = new Promise<RequestListener>((resolve) => {
      open = resolve
    })
    // The port comes first: when it is in use, nothing else has been started.
    const sendRawResponse = createRawResponse({ https: config.server.publicUrl.startsWith('https:'), logger })
    const starting = createStartingListener(sendRawResponse, opened)
    const answer: RequestListener = (request, response) => (root?.answer ?? starting)(request, response)
    http = createHttpServer(answer, sendRawResponse)
    const port = await listen(http, config.server)
    if (port === 'systemd' && !countsProxies(config.server.trustProxy)) throw new StartError(proxiesUncounted)
    root = await prepare()
    await root.start()
    open(root.answer)
    return port
  }

  async function stop(): Promise<void> {
    stopping.abort()
    const graceEnd = performance.now() + graceMs
    const remainingMs = () => Math.max(0, graceEnd - performance.now())
    // A start may hang, for instance while another instance migrates.
    await atMost(graceMs, startup)
    root?.markNotReady()
    // Connections that the system has accepted already are served, and load balancers learn that the server stops.
    if (root) await delay(notReadyDelayMs)
    // Without a composition root, queued requests cannot be answered.
    await Promise.all([http && drain(http, root ? remainingMs() : 0), root?.drain(remainingMs())])
    await atMost(closingMs, root?.close())
    await kill()
  }

  async function migrate(): Promise<string[]> {
    return bringUpToDate(await provideDatabase())
  }

  async function kill(): Promise<void> {
    const embedded = await atMost(graceMs, postgres)
    await embedded?.stop()
  }

  /** Never settles once a stop has interrupted the start: that is no failure, and the stop decides how the process ends. */
  async function asStartup<Result>(work: Promise<Result>): Promise<Result> {
    startup = work
    try {
      return await work
    } catch (error) {
      if (stopping.signal.aborted) return await new Promise(() => undefined)
      throw error
    }
  }

  return {
    start: () => asStartup(start()),
    migrate: () => asStartup(migrate()),
    stop,
    kill,
    failed,
  }
}

/** The result of the work; undefined when it fails or takes longer. */
async function atMost<Result>(limitMs: number, work: Promise<Result> | undefined): Promise<Result | undefined> {
  return await Promise.race([work?.catch(() => undefined), delay(limitMs, undefined, { ref: false })])
}

/** Outside production a key is made where none is given, and kept, so that tokens outlive a restart. */
export async function completeConfig(config: Config): Promise<CompleteConfig> {
  const [first, ...others] = config.secretKeys
  if (first !== undefined) return withKeys(config, [first, ...others])
  const dataDir = await openDataDir(config.database.dataDir)
  const secret = await readOrCreateSecret(dataDir, 'secret-key')
  if (config.accessTokenKeys.includes(secret)) {
    throw new StartError(
      'ACCESS_TOKEN_KEY must not hold the key of DATA_DIR; make another with: openssl rand -base64 48',
    )
  }
  return withKeys(config, [secret])
}
