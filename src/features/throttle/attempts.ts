import type { ThrottleKey } from './keys.ts'
import type { FailureCount } from './statements/count-attempt.ts'
import type { AttemptStore } from './store.ts'

type Outcome<Result> =
  /** No attempt was made: too many failed before. */
  | (FailureCount & { readonly state: 'refused' })
  /** The attempt failed, and counts as a failure. */
  | (FailureCount & { readonly state: 'failed' })
  | { readonly state: 'succeeded'; readonly result: Result }

/** Attempts at a password, whichever way they come. */
export interface Attempts {
  /**
   * Makes the attempt unless too many failed before. It counts as a failure before it begins. Without a result it failed.
   * With a result it succeeded, and `make` has cleared the failures in its own transaction or statement. When `make`
   * throws, the attempt is withdrawn, as the error says nothing about the password.
   */
  attempt<Result extends object>(
    throttleKey: ThrottleKey,
    make: () => Promise<Result | undefined>,
  ): Promise<Outcome<Result>>
}

/** The attempts of this instance for one key. */
interface Current {
  /** The number of callers that still use this record. */
  callers: number
  successes: number
  /** Settles with the attempts that have begun, counted in the database already or not. */
  readonly inProgress: Set<Promise<unknown>>
}

export function createAttempts({ attempts }: { readonly attempts: AttemptStore }): Attempts {
  const currentByKey = new Map<string, Current>()

  async function attemptOnce<Result extends object>(
    throttleKey: ThrottleKey,
    make: () => Promise<Result | undefined>,
    current: Current,
  ): Promise<Outcome<Result>> {
    const counted = await attempts.count(throttleKey)
    if (counted.state === 'refused') return counted
    try {
      const result = await make()
      if (!result) return { ...counted, state: 'failed' }
      current.successes += 1
      return { state: 'succeeded', result }
    } catch (error) {
      // The caller gets the first error, even if this fails too.
      await attempts.takeBack(throttleKey, counted).catch(() => undefined)
      throw error
    }
  }

  /**
   * An attempt in progress counts as a failure until it has succeeded, so a user who logs in on many screens at once would
   * be refused. A refused attempt therefore waits for those in progress, and is made again when one of them succeeded.
   */
  async function attemptBesideOthers<Result extends object>(
    throttleKey: ThrottleKey,
    make: () => Promise<Result | undefined>,
    current: Current,
  ): Promise<Outcome<Result>> {
    for (;;) {
      const { successes } = current
      const outcome = await tracked(attemptOnce(throttleKey, make, current), current.inProgress)
      if (outcome.state !== 'refused') return outcome
      await Promise.all(current.inProgress)
      if (current.successes === successes) return outcome
    }
  }

  return {
    async attempt(throttleKey, make) {
      const { key } = throttleKey
      const current = currentByKey.get(key) ?? { callers: 0, successes: 0, inProgress: new Set() }
      currentByKey.set(key, current)
      current.callers += 1
      try {
        return await attemptBesideOthers(throttleKey, make, current)
      } finally {
        current.callers -= 1
        if (current.callers === 0) currentByKey.delete(key)
      }
    },
  }
}

/** Keeps the work in the set until it settles. */
async function tracked<Result>(work: Promise<Result>, inProgress: Set<Promise<unknown>>): Promise<Result> {
  const settled = work.catch(() => undefined)
  inProgress.add(settled)
  try {
    return await work
  } finally {
    inProgress.delete(settled)
  }
}
