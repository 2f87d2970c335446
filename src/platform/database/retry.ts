import { setTimeout as delay } from 'node:timers/promises'

interface Retry {
  readonly mostTries: number
  /** Whether the same work may succeed later. */
  readonly isPassing: (error: unknown) => boolean
  /** How long to wait after so many tries. */
  readonly pauseMs: (tries: number) => number
}

/** Does the work again, after a pause, as long as it fails by something that passes. */
export async function retry<Result>(
  work: () => Promise<Result>,
  { mostTries, isPassing, pauseMs }: Retry,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (tries === mostTries || !isPassing(error)) throw error
      await delay(pauseMs(tries))
    }
  }
}
