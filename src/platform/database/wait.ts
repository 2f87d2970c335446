import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { mayComeUp } from './errors.ts'
import { describeFailure } from './failures.ts'

/** How a start waits for a database that comes up after the server. */
export interface StartDelays {
  readonly limitMs: number
  /** Ends the wait at once. */
  readonly signal: AbortSignal
  /** Called at the first failure, and again each time the wait has lasted twice as long. */
  readonly onWait: (wait: { readonly reason: string; readonly waitedMs: number; readonly limitMs: number }) => void
}

const shortestPauseMs = 100
const longestPauseMs = 3000
/** Lines of the log before this would tell of the same moment. */
const firstRepeatMs = 2000

/** Does the work again until it succeeds, for as long as it fails because nothing answers yet. Throws its last error. */
export async function untilReachable<Result>(
  work: () => Promise<Result>,
  { limitMs, signal, onWait }: StartDelays,
): Promise<Result> {
  const startedAt = performance.now()
  const aborted = once(signal, 'abort').then(() => signal.throwIfAborted())
  aborted.catch(() => undefined)
  let pauseMs = shortestPauseMs
  let nextLineMs = 0
  for (;;) {
    try {
      signal.throwIfAborted()
      return (await Promise.race([work(), aborted])) as Result
    } catch (error) {
      const waitedMs = performance.now() - startedAt
      if (!mayComeUp(error) || waitedMs >= limitMs) throw error
      if (waitedMs >= nextLineMs) {
        onWait({ reason: describeFailure(error), waitedMs, limitMs })
        nextLineMs = Math.max(firstRepeatMs, waitedMs * 2)
      }
      // The last try comes when the limit is reached.
      await delay(Math.min(pauseMs, limitMs - waitedMs), undefined, { signal })
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }
}
