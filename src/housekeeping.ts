import type { Clock, Logger } from './kernel/ports.ts'
import { secondsAfter } from './kernel/time.ts'

/** Deletes what nobody will ask for again. Any number of instances may do it at once. */
export interface Housekeeping {
  /** Tidies now and every hour. */
  start(): void
  stop(): Promise<void>
  tidy(): Promise<void>
}

const keptSeconds = 30 * 86_400
const intervalMs = 3_600_000

export function createHousekeeping({
  clock,
  logger,
  chores,
}: {
  clock: Clock
  logger: Logger
  /** Each deletes its own kind of rows that were over before that instant. */
  chores: readonly ((before: Date) => Promise<void>)[]
}): Housekeeping {
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()

  async function tidy(): Promise<void> {
    const before = secondsAfter(clock.now(), -keptSeconds)
    try {
      for (const chore of chores) await chore(before)
    } catch (error) {
      logger.warn({ error }, 'housekeeping failed; it will be tried again in an hour')
    }
  }

  function begin(): void {
    running = tidy()
  }

  return {
    start() {
      timer ??= setInterval(begin, intervalMs).unref()
      begin()
    },
    async stop() {
      clearInterval(timer)
      timer = undefined
      await running
    },
    tidy,
  }
}
