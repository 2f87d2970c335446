import type { RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createApp } from './app.ts'
import type { Features } from './features/composition.ts'
import { createFeatures } from './features/composition.ts'
import type { RequestGate } from './features/index.ts'
import { longestLifetime } from './features/session/settings.ts'
import type { Clock, Logger, Mailer } from './kernel/ports.ts'
import { readDatabaseMs, startDatabaseClock } from './platform/database/clock.ts'
import type { ConnectedDatabase, DatabaseLimits } from './platform/database/database.ts'
import { connectDatabase } from './platform/database/database.ts'
import { isDatabaseUnavailable, isReadOnly } from './platform/database/errors.ts'
import { pendingMigrations } from './platform/database/migrations.ts'
import { createBcryptHasher } from './platform/password-hasher.ts'
import { createPhoneNumbers } from './platform/phone-numbers.ts'
import { createJwtSigner } from './platform/token-signer.ts'
import type { CompleteConfig } from './settings/config.ts'

/** The services with their real adapters, and the app in front of them. */
export interface CompositionRoot {
  readonly answer: RequestListener
  readonly services: Features
  readonly database: ConnectedDatabase
  /** Starts the background work, once it is known whether Redis can be reached. */
  readonly start: () => Promise<void>
  /** From now on readiness checks are answered "not ready". */
  readonly markNotReady: () => void
  /** Ends the background work, and cuts off work that lasts longer than the limit. */
  readonly drain: (limitMs: number) => Promise<void>
  /** Closes the connections to the database and to Redis: requests fail from now on. */
  readonly close: () => Promise<void>
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
  /** Beside those of the features. */
  readonly moreGates?: readonly RequestGate[] | undefined
}

const readinessLimitMs = 2000

/** Loaded by server.ts on demand, so that all that is imported here loads while PostgreSQL starts. */
export async function createCompositionRoot(
  config: CompleteConfig,
  { databaseUrl, logger, applicationFolder, clock: givenClock, mailer, databaseLimits, moreGates }: Surroundings,
): Promise<CompositionRoot> {
  const { server, secretKeys, accessTokenKeys, passwords, mail } = config
  const database = connectDatabase({ url: databaseUrl, poolSize: config.database.poolSize, ...databaseLimits })
  const clock: Clock & { stop?: () => void } =
    givenClock ?? (await startDatabaseClock({ readMs: () => readDatabaseMs(database.db) }))
  // Loaded on demand: most servers use neither, and the libraries take megabytes.
  const redis =
    server.rateLimits && server.redisUrl !== undefined
      ? (await import('./platform/redis.ts')).connectRedis({ url: server.redisUrl, logger })
      : undefined
  const smtp =
    mail.smtp && (await import('./platform/mailer.ts')).createSmtpMailer({ smtp: mail.smtp, from: mail.from })
  const createMetrics = server.metrics ? (await import('./http/serving/metrics.ts')).createMetrics : undefined
  const hasher = createBcryptHasher({
    cost: passwords.bcryptCost,
    peppers: passwords.peppers,
    queueLimit: passwords.hashQueue,
  })
  const signer = createJwtSigner({ accessTokenKeys, secretKeys, ...config.tokens, longestLifetime, clock })
  const phones = createPhoneNumbers(config.phones)
  const ports = { clock, logger, hasher, signer, phones, mailer: mailer ?? smtp }
  const services = createFeatures(config, { database, ports, moreGates })

  let stopping = false
  const askDatabase = oneAtATime(() => problemOfDatabase(database))
  const whyNotReady = async () => (stopping ? 'the server is stopping' : askDatabase())

  return {
    answer: createApp({
      config,
      services,
      logger,
      applicationFolder,
      sharedCounters: redis?.counters,
      createMetrics: createMetrics && ((contracts) => createMetrics({ contracts, hashQueue: hasher.queue })),
      whyNotReady,
      isDatabaseUnavailable,
    }),
    services,
    database,
    async start() {
      await redis?.settled
      services.mailWorker.start()
      services.cleanUp.start()
    },
    markNotReady() {
      stopping = true
    },
    async drain(limitMs) {
      const finished = Promise.all([services.mailWorker.stop(), services.cleanUp.stop()])
      const limit = new AbortController()
      await Promise.race([finished, delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)])
      limit.abort()
      smtp?.close()
    },
    async close() {
      clock.stop?.()
      await Promise.all([database.close(), redis?.close()])
    },
  }
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

async function problemOfDatabase({ appliedMigrations }: ConnectedDatabase): Promise<string | undefined> {
  const late = delay(readinessLimitMs, undefined, { ref: false })
  try {
    const applied = await Promise.race([appliedMigrations(), late])
    if (!applied) return 'the database cannot be reached'
    const pending = await pendingMigrations(applied)
    return pending.length > 0 ? 'migrations are pending' : undefined
  } catch (error) {
    return isReadOnly(error) ? 'the database takes no writes' : 'the database cannot be reached'
  }
}
