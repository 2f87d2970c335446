import type { Clock, Logger } from '../kernel/ports.ts'
import { secondsAfter } from '../kernel/time.ts'
import type { Scope, Transaction } from '../kernel/unit-of-work.ts'

/** Deletes expired rows. Any number of instances may share one database: one of them works at a time. */
export interface CleanUp {
  /** Deletes now and every hour. */
  start(): void
  /** Begins no further batch and waits for the one in progress. */
  stop(): Promise<void>
  run(): Promise<void>
}

/** Deletes one batch of rows of one kind that were over before that instant, and says how many there were. */
export type CleanUpJob<Stores> = (stores: Stores, before: Date) => Promise<number>

const keptSeconds = 30 * 86_400
const intervalMs = 3_600_000

/** Ends with its transaction, so that no pooler can keep it. */
const lock = 72_707_370

export function createCleanUp<Stores extends Pick<Scope, 'tryLock'>>({
  transaction,
  clock,
  logger,
  jobs,
}: {
  readonly transaction: Transaction<Stores>
  readonly clock: Clock
  readonly logger: Logger
  /** Each under the name of what it deletes. When one fails, the others run all the same. */
  readonly jobs: readonly (readonly [name: string, job: CleanUpJob<Stores>])[]
}): CleanUp {
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  let stopping = false

  function deleteBatch(job: CleanUpJob<Stores>, before: Date): Promise<number> {
    return transaction(async (stores) => ((await stores.tryLock(lock)) ? job(stores, before) : 0))
  }

  async function run(): Promise<void> {
    const before = secondsAfter(clock.now(), -keptSeconds)
    for (const [name, job] of jobs) {
      try {
        while (!stopping && (await deleteBatch(job, before)) > 0);
      } catch (error) {
        logger.warn({ job: name, error }, 'housekeeping failed; it will be tried again in an hour')
      }
    }
  }

  function begin(): void {
    running = run()
  }

  return {
    start() {
      stopping = false
      timer ??= setInterval(begin, intervalMs).unref()
      begin()
    },
    async stop() {
      stopping = true
      clearInterval(timer)
      timer = undefined
      await running
    },
    run,
  }
}
