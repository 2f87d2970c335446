import { AuthError, requestErrors } from '../../kernel/errors.ts'

/** As long as clients and proxies are patient, or a little less. */
const longestMs = 15_000

/** Timers of one duration share a list in Node, which is made anew for a duration that no other timer has. */
const granularityMs = 100

/**
 * Begins a span of time within which all the works that are handed to it have to end. Work that takes longer fails as `overloaded`: it may
 * come to its end all the same, and nothing learns of it.
 */
export function startDeadline(limitMs = longestMs): <Result>(work: Promise<Result>) => Promise<Result> {
  const end = performance.now() + limitMs
  return (work) =>
    new Promise((resolve, reject) => {
      const remainingMs = Math.max(0, Math.ceil((end - performance.now()) / granularityMs) * granularityMs)
      const timer = setTimeout(() => reject(new AuthError(requestErrors.overloaded)), remainingMs).unref()
      const settle = (end: (value: never) => void) => (value: unknown) => {
        clearTimeout(timer)
        end(value as never)
      }
      work.then(settle(resolve), settle(reject))
    })
}
