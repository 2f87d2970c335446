import type { Database, Db } from '../kernel/db.ts'
import type { Clock, Logger } from '../kernel/ports.ts'
import { secondsAfter } from '../kernel/time.ts'

/** Deletes what nobody will ask for again. Any number of instances may share one database: one of them works at a time. */
export interface CleanUp {
  /** Tidies now and every hour. */
  start(): void
  /** Begins no further batch and waits for the one in progress. */
  stop(): Promise<void>
  run(): Promise<void>
}

/** Deletes a batch of its own kind of rows that were over before that instant, and says how many it were. */
type Job = (tx: Db, before: Date) => Promise<number>

const keptSeconds = 30 * 86_400
const intervalMs = 3_600_000

/** Ends with its transaction, so that no pooler can keep it. */
const lock = 72_707_370

export function createCleanUp({
  transaction,
  clock,
  logger,
  jobs,
}: Pick<Database, 'transaction'> & {
  clock: Clock
  logger: Logger
  /** By what they delete. Each goes its way, whatever becomes of the others. */
  jobs: Readonly<Record<string, Job>>
}): CleanUp {
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  let stopping = false

  function deleteBatch(job: Job, before: Date): Promise<number> {
    return transaction(async (tx) => {
      const [row] = await tx.$queryRaw<{ isHeld: boolean }[]>`
        SELECT pg_try_advisory_xact_lock(${lock}::bigint) AS "isHeld"`
      return row?.isHeld ? job(tx, before) : 0
    })
  }

  async function run(): Promise<void> {
    const before = secondsAfter(clock.now(), -keptSeconds)
    for (const [name, job] of Object.entries(jobs)) {
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
