import { setTimeout as delay } from 'node:timers/promises'
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './embedded-postgres/start.ts'
import { startEmbeddedPostgres } from './embedded-postgres/start.ts'
import type { StartError } from './kernel/errors.ts'
import type { Logger } from './kernel/ports.ts'
import { applyMigrations } from './platform/database/migrations.ts'
import type { Config } from './settings/config.ts'
import { startCountdown } from './stop-limits.ts'

/** The database of a server: that of DATABASE_URL, or its own PostgreSQL. */
export interface DatabaseStart {
  /** The address of the database once it has all migrations. */
  readonly migrated: () => Promise<string>
  /** Resolves when a PostgreSQL that takes its time runs on a core of its own, or none is to be started. */
  readonly launched: Promise<void>
  /** Stops the PostgreSQL that was started, if one was. What outlives the limit is killed when this process exits. */
  readonly stop: (limitMs: number) => Promise<void>
  /** Resolves when that PostgreSQL has ended by itself. */
  readonly failed: Promise<StartError>
}

/** Connections beside those of the pools: for migrations, an operator and PostgreSQL's own. */
const spareConnections = 20

export function embeddedPostgresOptions({ database: { dataDir, poolSize }, workers }: Config): EmbeddedPostgresOptions {
  return { dataDir, parameters: { max_connections: String(poolSize * workers + spareConnections) } }
}

export function createDatabaseStart(config: Config, logger: Logger, stopping: AbortSignal): DatabaseStart {
  const { url: givenUrl, waitLimit } = config.database
  let postgres: Promise<EmbeddedPostgres> | undefined
  let tellLaunched: () => void = () => undefined
  const launched = new Promise<void>((resolve) => {
    tellLaunched = resolve
  })
  let reportFailure: (error: StartError) => void
  const failed = new Promise<StartError>((resolve) => {
    reportFailure = resolve
  })

  async function provide(): Promise<string> {
    if (givenUrl !== undefined) {
      tellLaunched()
      return givenUrl
    }
    postgres = startEmbeddedPostgres({ ...embeddedPostgresOptions(config), onRun: tellLaunched })
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
        limitMs: waitLimit * 1000,
        signal: stopping,
        onWait: ({ reason, waitedMs, limitMs }) =>
          logger.warn(
            { reason, waited_s: Math.round(waitedMs / 1000), limit_s: limitMs / 1000 },
            'waiting for the database, for as long as DATABASE_WAIT says',
          ),
      },
    })

  return {
    async migrated() {
      const url = await provide()
      const applied = await bringUpToDate(url)
      if (applied.length > 0) logger.info({ migrations: applied }, 'migrations applied')
      return url
    },
    launched,
    async stop(limitMs) {
      const remainingMs = startCountdown(limitMs)
      const stopped = postgres?.then((embedded) => embedded.stop(remainingMs())).catch(() => undefined)
      const limit = new AbortController()
      await Promise.race([stopped, delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined)])
      limit.abort()
    },
    failed,
  }
}
