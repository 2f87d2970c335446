import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { completeConfig } from './complete-config.ts'
import type { CompositionRoot, WorkerShare } from './composition-root.ts'
import type { LastAnswers } from './http/serving/last-answers.ts'
import { createLastAnswers } from './http/serving/last-answers.ts'
import { createHttpServer, drain, listen } from './http/serving/listener.ts'
import { listenForMetrics } from './http/serving/metrics-listener.ts'
import { createRawResponse } from './http/serving/raw-response.ts'
import { createStartingListener } from './http/serving/starting.ts'
import { StartError } from './kernel/errors.ts'
import type { Logger } from './kernel/ports.ts'
import { createDatabaseStart } from './provide-database.ts'
import type { Config } from './settings/config.ts'
import { countsProxies, proxiesUncounted } from './settings/rules.ts'
import { closingMs, graceMs, killLimitMs, startCountdown, stopLimitMs } from './stop-limits.ts'

/** The whole server, from the database up. In every case `stop` or `kill` comes last. */
export interface AuthServer {
  /** Returns the port, or the socket in its place, once requests are answered. */
  readonly start: () => Promise<number | string>
  /** Lets a start come to its end, then the requests and mails in flight, and stops everything. */
  readonly stop: () => Promise<void>
  /** Stops only the PostgreSQL that was started, for an end that cannot wait. */
  readonly kill: () => Promise<void>
  /** Resolves when a part has ended that the server cannot do without. */
  readonly failed: Promise<StartError>
}

/** A server that can be one of several workers. */
export interface ServerProcess extends AuthServer {
  /** The metrics as data, for the process that reports on all workers. */
  readonly readMetrics: () => Promise<object[]>
}

/** How long connections are still accepted after the server says that it is not ready any more. */
const notReadyDelayMs = 250

/** The demo application, as `npm ci` builds it. */
const applicationFolder = new URL('../examples/spa/dist/', import.meta.url)

/** It is as large as all else, and loads while PostgreSQL starts. */
export const loadCompositionRoot = () => import('./composition-root.ts')

export function createAuthServer(config: Config, logger: Logger, share?: WorkerShare): ServerProcess {
  const stopping = new AbortController()
  let startup: Promise<unknown> | undefined
  let http: Server | undefined
  let lastAnswers: LastAnswers | undefined
  let root: CompositionRoot | undefined
  const database = createDatabaseStart(config, logger, stopping.signal)

  async function prepare(): Promise<CompositionRoot> {
    const migrated = share ? Promise.race([share.databaseUrl, aborted()]) : database.migrated()
    // Loading the app keeps one core busy, and the start of PostgreSQL another: it must not wait for the app.
    if (!share) await Promise.race([database.launched, migrated])
    const [{ createCompositionRoot }, databaseUrl] = await Promise.all([loadCompositionRoot(), migrated])
    return createCompositionRoot(await completeConfig(config), { databaseUrl, logger, applicationFolder, share })
  }

  async function start(): Promise<number | string> {
    let open: (answer: RequestListener) => void = () => undefined
    const opened = new Promise<RequestListener>((resolve) => {
      open = resolve
    })
    // The port comes first: when it is in use, nothing else has been started.
    const sendRawResponse = createRawResponse({ https: config.server.publicUrl.startsWith('https:'), logger })
    const starting = createStartingListener(sendRawResponse, opened)
    lastAnswers = createLastAnswers((request, response) => (root?.answer ?? starting)(request, response))
    http = createHttpServer(lastAnswers.listener, sendRawResponse)
    const port = await listen(http, config.server)
    const { port: metricsPort, host } = config.metrics
    if (metricsPort !== undefined && !share)
      await listenForMetrics({ host, port: metricsPort }, () => root?.metrics?.read())
    if (port === 'systemd' && !countsProxies(config.server.trustProxy)) throw new StartError(proxiesUncounted)
    root = await prepare()
    await root.start()
    open(root.answer)
    return port
  }

  async function stop(): Promise<void> {
    stopping.abort()
    const stopRemainingMs = startCountdown(stopLimitMs)
    const remainingMs = startCountdown(graceMs)
    // A start may hang, for instance while another instance migrates.
    await atMost(graceMs, startup)
    root?.markNotReady()
    lastAnswers?.begin()
    // Connections that the system has accepted already are served, and load balancers learn that the server stops.
    if (root) await delay(notReadyDelayMs)
    // Without a composition root, queued requests cannot be answered.
    await Promise.all([http && drain(http, root ? remainingMs() : 0), root?.drain(remainingMs())])
    await atMost(closingMs, root?.close())
    await database.stop(stopRemainingMs())
  }

  async function aborted(): Promise<never> {
    await once(stopping.signal, 'abort')
    throw stopping.signal.reason
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
    stop,
    kill: () => database.stop(killLimitMs),
    readMetrics: async () => (await root?.metrics?.readAsJson()) ?? [],
    failed: database.failed,
  }
}

/** The result of the work; undefined when it fails or takes longer. */
async function atMost<Result>(limitMs: number, work: Promise<Result> | undefined): Promise<Result | undefined> {
  return await Promise.race([work?.catch(() => undefined), delay(limitMs, undefined, { ref: false })])
}
