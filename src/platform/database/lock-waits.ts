import { hasCode } from '../../kernel/errors.ts'
import { retry } from './retry.ts'

/** PostgreSQL lets no statement pass one that waits for the whole table, so a migration waits only as long as requests can. */
export const limitLockWaits = "SET LOCAL lock_timeout = '1s'"

const lockNotAvailable = '55P03'
/** Requests that stood behind a migration are served in the pause. */
const pauseMs = 1000

/** Does the work again, for some two minutes, as long as it fails because a lock was not had in time. */
export function retryLockWaits<Result>(work: () => Promise<Result>): Promise<Result> {
  const isPassing = (error: unknown) => hasCode((error as { cause?: unknown }).cause, lockNotAvailable)
  return retry(work, { mostTries: 60, isPassing, pauseMs: () => pauseMs })
}
