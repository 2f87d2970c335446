import { setTimeout as delay } from 'node:timers/promises'
import { AuthError, requestErrors } from '../../kernel/errors.ts'

/** As long as clients and proxies are patient, or a little less. */
const longestMs = 15_000

/**
 * Begins a span of time within which all the works that are handed to it have to end. What takes longer fails as `overloaded`: it may
 * come to its end all the same, and nothing learns of it.
 */
export function startDeadline(limitMs = longestMs): <Result>(work: Promise<Result>) => Promise<Result> {
  const end = performance.now() + limitMs
  return async (work) => {
    const over = new AbortController()
    const late = delay(Math.max(0, end - performance.now()), undefined, { signal: over.signal, ref: false }).then(
      () => {
        throw new AuthError(requestErrors.overloaded)
      },
    )
    // Aborted once the work has ended.
    late.catch(() => undefined)
    try {
      return await Promise.race([work, late])
    } finally {
      over.abort()
    }
  }
}
