import type { RequestListener } from 'node:http'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { createApp, servedContracts } from './app.ts'
import type { Features } from './features/composition.ts'
import { createFeatures } from './features/composition.ts'
import type { RequestGate } from './features/index.ts'
import { measures } from './features/index.ts'
import { longestLifetime } from './features/session/settings.ts'
import { noMeter } from './kernel/meter.ts'
import type { Clock, Logger, Mailer, SharedCounters } from './kernel/ports.ts'
import { readDatabaseMs, startDatabaseClock } from './platform/database/clock.ts'
import type { ConnectedDatabase, DatabaseLimits } from './platform/database/database.ts'
import { connectDatabase } from './platform/database/database.ts'
import { isReadOnly } from './platform/database/errors.ts'
import { pendingMigrations } from './platform/database/migrations.ts'
import { isDatabaseUnavailable } from './platform/database/unavailability.ts'
import { createDjangoHashes } from './platform/django-hashes/index.ts'
import type { Metrics } from './platform/metrics/metrics.ts'
import { createBcryptHasher } from './platform/password-hasher.ts'
import { createPhoneNumbers } from './platform/phone-numbers.ts'
import { createJwtSigner } from './platform/token-signer.ts'
import type { CompleteConfig } from './settings/config.ts'

/** The services with their real adapters, and the app in front of them. */
export interface CompositionRoot {
  readonly answer: RequestListener
  readonly services: Features
  readonly database: ConnectedDatabase
  /** Absent: nothing is measured. */
  readonly metrics: Metrics | undefined
  /** Knows then whether Redis can be reached. The background work starts a moment later. */
  readonly start: () => Promise<void>
  /** From now on readiness checks are answered "not ready". */
  readonly markNotReady: () => void
  /** Ends the background work, and cuts off work that lasts longer than the limit. */
  readonly drain: (limitMs: number) => Promise<void>
  /** Closes the connections to the database and to Redis: requests fail from now on. */
  readonly close: () => Promise<void>
}

/** The share of one worker of several, which serve the same port together. */
export interface WorkerShare {
  readonly worker: number
  readonly workers: number
  /** Once the primary process has brought the database up to date. */
  readonly databaseUrl: Promise<string>
  /** Counts the requests of all of them. */
  readonly counters: SharedCounters
}

/** The settings and adapters that a composition root is made of. */
interface Surroundings {
  readonly databaseUrl: string
  readonly logger: Logger
  /** Where the build of the demo application lies, if it is to be served. */
  readonly applicationFolder?: URL | undefined
  /** Instead of the database's. */
  readonly clock?: Clock
  /** Instead of the mail server of the configuration. */
  readonly mailer?: Mailer | undefined
  /** Instead of those of production. */
  readonly databaseLimits?: DatabaseLimits | undefined
  /** Absent: this process serves alone. */
  readonly share?: WorkerShare | undefined
  /** Beside those of the features. */
  readonly moreGates?: readonly RequestGate[] | undefined
}

/** Long enough for a slow database that still answers, which is to stay in use. */
const readinessLimitMs = 4500

/** The first requests come first: what the background work loads keeps a core busy for a quarter of a second. */
const backgroundDelayMs = 1000

/** Loaded by server.ts on demand, so that all that is imported here loads while PostgreSQL starts. */
export async function createCompositionRoot(
  config: CompleteConfig,
  { databaseUrl, logger, applicationFolder, clock: givenClock, mailer, databaseLimits, share, moreGates }: Surroundings,
): Promise<CompositionRoot> {
  const { server, secretKeys, accessTokenKeys, passwords, mail } = config
  const tracing = config.traces ? (await import('./platform/tracing.ts')).startTracing(logger) : undefined
  const database = connectDatabase({
    url: databaseUrl,
    poolSize: config.database.poolSize,
    startStatement: tracing?.startStatement,
    ...databaseLimits,
  })
  const clock: Clock & { stop?: () => void } =
    givenClock ?? (await startDatabaseClock({ readMs: () => readDatabaseMs(database.db) }))
  // Loaded on demand: most servers use neither, and the libraries take megabytes.
  const redis =
    server.rateLimits && server.redisUrl !== undefined
      ? (await import('./platform/redis.ts')).connectRedis({ url: server.redisUrl, logger })
      : undefined
  const smtp =
    mail.smtp && (await import('./platform/mailer.ts')).createSmtpMailer({ smtp: mail.smtp, from: mail.from })
  const createMetrics =
    config.metrics.port === undefined ? undefined : (await import('./platform/metrics/metrics.ts')).createMetrics
  const hasher = createBcryptHasher({
    cost: passwords.bcryptCost,
    peppers: passwords.peppers,
    readDjangoHash: createDjangoHashes({ weak: passwords.weakDjangoHashes }),
    ...hashPlaces(passwords.hashQueue, share),
    onStart: (waitedSeconds) => metrics?.hashWaited(waitedSeconds),
    onPairFailure: (error) =>
      logger.warn({ error }, 'passwords are compared one after the other, as no thread computes'),
  })
  const metrics = createMetrics?.({
    ...measures,
    endpoints: endpointsOf(config),
    hashQueue: hasher.queue,
    worker: share?.worker,
  })
  const signer = createJwtSigner({ accessTokenKeys, secretKeys, ...config.tokens, longestLifetime, clock })
  const phones = createPhoneNumbers(config.phones)
  const django =
    config.djangoTokens.keys.length > 0
      ? (await import('./platform/django.ts')).connectDjango(config.djangoTokens, { clock, logger })
      : undefined
  const usedMailer = mailer ?? smtp
  const ports = {
    clock,
    logger,
    meter: metrics?.meter ?? noMeter,
    hasher: tracing?.hasher(hasher) ?? hasher,
    signer,
    phones,
    django,
    mailer: (usedMailer && tracing?.mailer(usedMailer)) ?? usedMailer,
  }
  const services = createFeatures(config, { database, ports, moreGates })
  metrics?.watch({ pool: database.load, mails: services.mailStates })

  let stopping = false
  let backgroundStart: NodeJS.Timeout | undefined
  const askDatabase = oneAtATime(() => problemOfDatabase(database))
  const whyNotReady = async () => (stopping ? 'the server is stopping' : askDatabase())

  return {
    answer: createApp({
      config,
      services,
      logger,
      applicationFolder,
      sharedCounters: redis?.counters ?? share?.counters,
      countRequest: metrics?.countRequest,
      startRequestSpan: tracing?.startRequest,
      whyNotReady,
      isDatabaseUnavailable,
    }),
    services,
    database,
    metrics,
    async start() {
      await redis?.settled
      backgroundStart = setTimeout(() => {
        services.mailWorker.start()
        services.cleanUp.start()
      }, backgroundDelayMs).unref()
    },
    markNotReady() {
      stopping = true
    },
    async drain(limitMs) {
      clearTimeout(backgroundStart)
      const finished = Promise.all([services.mailWorker.stop(), services.cleanUp.stop()])
      const limit = new AbortController()
      await Promise.race([finished, delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)])
      limit.abort()
      smtp?.close()
    },
    async close() {
      clock.stop?.()
      await Promise.all([database.close(), redis?.close(), django?.close(), tracing?.close()])
    },
  }
}

/** As many hashes at once as there are cores, over all workers together, but at least one each; and the queue in equal parts. */
function hashPlaces(
  queueLimit: number,
  { worker, workers }: Pick<WorkerShare, 'worker' | 'workers'> = { worker: 1, workers: 1 },
) {
  const cores = availableParallelism()
  const spare = worker <= cores % workers ? 1 : 0
  return { width: Math.max(1, Math.floor(cores / workers) + spare), queueLimit: Math.ceil(queueLimit / workers) }
}

function endpointsOf(config: CompleteConfig): { readonly contract: string; readonly endpoint: string }[] {
  return servedContracts(config).flatMap(({ name: contract, rows }) =>
    rows.map(({ endpoint }) => ({ contract, endpoint: endpoint.name })),
  )
}

/** Calls during the work share its result, as any client may ask at any rate. */
function oneAtATime<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let current: Promise<Result> | undefined
  return () => {
    current ??= work().finally(() => {
      current = undefined
    })
    return current
  }
}

async function problemOfDatabase(database: ConnectedDatabase): Promise<string | undefined> {
  const late = delay(readinessLimitMs, 'the database cannot be reached', { ref: false })
  try {
    return await Promise.race([askForProblem(database), late])
  } catch (error) {
    return isReadOnly(error) ? 'the database takes no writes' : 'the database cannot be reached'
  }
}

async function askForProblem({ appliedMigrations, isDiskFull }: ConnectedDatabase): Promise<string | undefined> {
  const pending = await pendingMigrations(await appliedMigrations())
  if (pending.length > 0) return 'migrations are pending'
  return (await isDiskFull()) ? 'the disk of the database is full' : undefined
}
