import { setTimeout as delay } from 'node:timers/promises'
import type { CleanUpRun } from '../kernel/clean-up.ts'
import type { Clock, Logger } from '../kernel/ports.ts'
import { secondsAfter } from '../kernel/time.ts'
import type { Scope, Transaction } from '../kernel/unit-of-work.ts'

/** Deletes expired rows. Any number of instances may share one database: one of them works at a time. */
export interface CleanUp {
  /** Deletes now and every hour, and a minute after a failure. */
  start(): void
  /** Begins no further batch and waits for the one in progress. */
  stop(): Promise<void>
  run(): Promise<void>
}

/** Deletes one batch of the rows of one kind that are due, and says how many there were. */
export type CleanUpJob<Stores> = (stores: Stores, run: CleanUpRun) => Promise<number>

const keptSeconds = 30 * 86_400
const intervalMs = 3_600_000

/**
 * Rows are deleted no faster than this, so that a hundredth of the time is spent on it: then not even the p99 of requests tells of it.
 * Nine million rows an hour are more than a million users leave behind.
 */
const mostRowsPerSecond = 2500
/** How many times as long as a batch the pause after it is at least, where the database is slow. */
const pauses = 3

/** Ends with its transaction, so that no pooler can keep it. */
const lock = 72_707_370

export function createCleanUp<Stores extends Pick<Scope, 'tryLock'>>({
  transaction,
  clock,
  logger,
  jobs,
  onEnd,
  retryMs = 60_000,
}: {
  readonly transaction: Transaction<Stores>
  readonly clock: Clock
  readonly logger: Logger
  /** Each under the name of what it deletes. When one fails, the others run all the same. */
  readonly jobs: readonly (readonly [name: string, job: CleanUpJob<Stores>])[]
  /** Called when a job came to its end without a failure, with how many rows it deleted. */
  readonly onEnd: (name: string, rows: number) => void
  /** How long after a failure everything is tried again. */
  readonly retryMs?: number
}): CleanUp {
  let timer: NodeJS.Timeout | undefined
  let retryTimer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  let stopping = new AbortController()

  /** Says how many rows were deleted. */
  async function deleteAll(job: CleanUpJob<Stores>, run: CleanUpRun): Promise<number> {
    let deleted = 0
    while (!stopping.signal.aborted) {
      const begunAt = performance.now()
      const batch = await transaction(async (stores) => ((await stores.tryLock(lock)) ? job(stores, run) : 0))
      if (batch === 0) break
      deleted += batch
      const pauseMs = Math.max(pauses * (performance.now() - begunAt), (batch / mostRowsPerSecond) * 1000)
      await delay(pauseMs, undefined, { ref: false, signal: stopping.signal }).catch(() => undefined)
    }
    return deleted
  }

  async function run(): Promise<void> {
    const before = secondsAfter(clock.now(), -keptSeconds)
    let hasFailed = false
    for (const [name, job] of jobs) {
      try {
        const deleted = await deleteAll(job, { before, places: new Map() })
        if (!stopping.signal.aborted) onEnd(name, deleted)
      } catch (error) {
        logger.warn({ job: name, error }, 'housekeeping failed; it will be tried again in a minute')
        hasFailed = true
      }
    }
    clearTimeout(retryTimer)
    if (hasFailed && timer) retryTimer = setTimeout(begin, retryMs).unref()
  }

  function begin(): void {
    // A run may last for longer than the time until the next one.
    running = running.then(run)
  }

  return {
    start() {
      stopping = new AbortController()
      timer ??= setInterval(begin, intervalMs).unref()
      begin()
    },
    async stop() {
      stopping.abort()
      clearInterval(timer)
      timer = undefined
      clearTimeout(retryTimer)
      await running
    },
    run,
  }
}
