import type { Worker } from 'node:cluster'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { completeConfig } from './complete-config.ts'
import { listenForMetrics } from './http/serving/metrics-listener.ts'
import { StartError } from './kernel/errors.ts'
import type { Logger } from './kernel/ports.ts'
import { createWindowCounters } from './platform/window-counters.ts'
import { createDatabaseStart } from './provide-database.ts'
import type { AuthServer } from './server.ts'
import type { CompleteConfig, Config } from './settings/config.ts'
import { closingMs, graceMs, killLimitMs, startCountdown, stopLimitMs } from './stop-limits.ts'
import type { ToPrimary, ToWorker } from './workers/messages.ts'
import { createQuestions } from './workers/questions.ts'

/** A worker needs no longer for its own stop, with a little for the machine. */
const workersLimitMs = graceMs + closingMs + 300
/** Prometheus gives a scrape up after ten seconds. */
const metricsLimitMs = 3000
const firstPauseMs = 100
const longestPauseMs = 30_000
/** A worker that lived so long died for another reason than the one before it. */
const steadyMs = 60_000

const workerFile = fileURLToPath(new URL('start-worker.cjs', import.meta.url))

/** One of the places of workers: the process in it is replaced when it dies. */
interface Place {
  readonly number: number
  worker: Worker
  startedAt: number
  /** Early deaths, one after the other. */
  deaths: number
}

/**
 * The server as several worker processes that share the port. This process serves nothing but `/metrics`: it migrates the database, counts
 * for the rate limits of all workers, and replaces workers that die.
 */
export function createCluster(config: Config, logger: Logger): AuthServer {
  const stopping = new AbortController()
  const database = createDatabaseStart(config, logger, stopping.signal)
  const counters = createWindowCounters()
  const scrapes = createQuestions<readonly object[]>(metricsLimitMs)
  const places: Place[] = []
  let databaseUrl: string | undefined
  let startup: Promise<unknown> | undefined
  let replacements = 0

  function send({ worker }: Place, message: ToWorker): void {
    if (worker.isConnected()) worker.send(message, () => undefined)
  }

  function hear(
    place: Place,
    complete: CompleteConfig,
    message: Exclude<ToPrimary, { type: 'ready' | 'failed' }>,
  ): void {
    if (message.type === 'listens') {
      send(place, { type: 'begin', config: complete, worker: place.number, workers: config.workers })
      if (databaseUrl !== undefined) send(place, { type: 'database', url: databaseUrl })
      if (stopping.signal.aborted) send(place, { type: 'stop' })
    } else if (message.type === 'metrics') scrapes.answer(message.id, message.metrics)
    else {
      const { id, name, windowMs, key } = message
      const { totalHits, resetTime } = counters.increment(name, windowMs, key)
      send(place, { type: 'counted', id, totalHits, resetAt: resetTime?.getTime() ?? 0 })
    }
  }

  /** Settles with the worker's port, or with what kept it from serving. */
  function untilServing(place: Place, complete: CompleteConfig): Promise<number | string> {
    const { worker } = place
    return new Promise((resolve, reject) => {
      worker.on('message', (message: ToPrimary) => {
        if (message.type === 'ready') resolve(message.port)
        else if (message.type === 'failed') reject(new StartError(message.reason))
        else hear(place, complete, message)
      })
      worker.on('error', () => undefined)
      worker.once('exit', (code, signal) => {
        reject(new StartError(`A worker ended with ${signal ?? code} before it could serve`))
      })
    })
  }

  /** From now on a worker that dies is replaced: at once, and after growing pauses where one dies after the other. */
  function keepAlive(complete: CompleteConfig, place: Place): void {
    const { worker } = place
    const replace = async () => {
      if (stopping.signal.aborted) return
      const { exitCode, signalCode } = worker.process
      place.deaths = performance.now() - place.startedAt > steadyMs ? 0 : place.deaths + 1
      const pauseMs = place.deaths === 0 ? 0 : Math.min(firstPauseMs * 2 ** (place.deaths - 1), longestPauseMs)
      const details = { worker: place.number, ended_with: signalCode ?? exitCode, pause_ms: pauseMs }
      logger.error(details, 'a worker has ended and is replaced')
      await delay(pauseMs, undefined, { ref: false })
      if (stopping.signal.aborted) return
      replacements += 1
      place.worker = cluster.fork()
      place.startedAt = performance.now()
      untilServing(place, complete).catch((error: Error) =>
        logger.error({ worker: place.number, reason: error.message }, 'a worker could not start'),
      )
      keepAlive(complete, place)
    }
    if (worker.isDead()) void replace()
    else worker.once('exit', replace)
  }

  async function readMetrics(): Promise<{ contentType: string; text: string }> {
    const { mergeMetrics } = await import('./platform/metrics/merge.ts')
    const living = places.filter(({ worker }) => worker.isConnected())
    const asked = living.map((place) => scrapes.ask((id) => send(place, { type: 'read metrics', id })))
    const answers = (await Promise.all(asked)).filter((answer) => answer !== undefined)
    return mergeMetrics(answers, { workers: living.length, replacements })
  }

  async function start(): Promise<number | string> {
    const { port: metricsPort, host } = config.metrics
    if (metricsPort !== undefined) await listenForMetrics({ host, port: metricsPort }, readMetrics)
    const complete = await completeConfig(config)
    // Workers accept for themselves. A connection that the primary hands to a worker which dies just then would never be answered.
    cluster.schedulingPolicy = cluster.SCHED_NONE
    cluster.setupPrimary({ exec: workerFile, args: [], serialization: 'advanced' })
    const ready = Array.from({ length: config.workers }, (_, index) => {
      const place = { number: index + 1, worker: cluster.fork(), startedAt: performance.now(), deaths: 0 }
      places.push(place)
      return untilServing(place, complete)
    })
    const serving = Promise.all(ready)
    // The workers have the port and answer that they start. One that cannot have it ends the start.
    serving.catch(() => undefined)
    databaseUrl = await Promise.race([database.migrated(), serving.then(() => new Promise<never>(() => undefined))])
    for (const place of places) send(place, { type: 'database', url: databaseUrl })
    const [port] = await serving
    for (const place of places) keepAlive(complete, place)
    return port as number | string
  }

  async function end(limitMs: number): Promise<void> {
    const living = places.map(({ worker }) => worker).filter((worker) => !worker.isDead())
    const gone = Promise.all(living.map((worker) => once(worker, 'exit')))
    const limit = new AbortController()
    await Promise.race([gone, delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)])
    limit.abort()
    for (const worker of living) if (!worker.isDead()) worker.process.kill('SIGKILL')
    await gone
  }

  return {
    start() {
      // A stop that interrupts the start decides how the process ends.
      const starting = start().catch((error: unknown) =>
        stopping.signal.aborted ? new Promise<never>(() => undefined) : Promise.reject(error),
      )
      startup = starting
      return starting
    },
    async stop() {
      stopping.abort()
      startup?.catch(() => undefined)
      const remainingMs = startCountdown(stopLimitMs)
      for (const place of places) send(place, { type: 'stop' })
      await end(workersLimitMs)
      await database.stop(remainingMs())
    },
    async kill() {
      stopping.abort()
      await end(0)
      await database.stop(killLimitMs)
    },
    failed: database.failed,
  }
}
