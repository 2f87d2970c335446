import type { ThrottleKey } from './keys.ts'
import type { AttemptStore, FailureCount } from './store.ts'

type Outcome<Result> =
  /** There was no attempt: too many failed before. */
  | (FailureCount & { readonly state: 'refused' })
  /** It failed, and is counted. */
  | (FailureCount & { readonly state: 'failed' })
  | { readonly state: 'succeeded'; readonly result: Result }

/** Lets nobody guess: every attempt to prove a password goes through here, whichever way it came. */
export interface Attempts {
  /**
   * Makes the attempt unless too many failed before. It counts as failed before it begins. No result: it failed. A result:
   * `make` has cleared the failures in its own transaction. An error: the attempt is taken back, as it says nothing about
   * the password.
   */
  attempt<Result extends object>(
    throttleKey: ThrottleKey,
    make: () => Promise<Result | undefined>,
  ): Promise<Outcome<Result>>
}

/** What this instance does for one key at the moment. */
interface Ongoing {
  callers: number
  /** How many of its attempts have succeeded. */
  successes: number
  /** Attempts that have begun, counted already or not. */
  readonly inProgress: Set<Promise<unknown>>
}

export function createAttempts({ attempts }: { readonly attempts: AttemptStore }): Attempts {
  const ongoing = new Map<string, Ongoing>()

  async function withOngoing<Result>(key: string, work: (mine: Ongoing) => Promise<Result>): Promise<Result> {
    const mine = ongoing.get(key) ?? { callers: 0, successes: 0, inProgress: new Set() }
    ongoing.set(key, mine)
    mine.callers += 1
    try {
      return await work(mine)
    } finally {
      mine.callers -= 1
      if (mine.callers === 0) ongoing.delete(key)
    }
  }

  async function attemptOnce<Result extends object>(
    throttleKey: ThrottleKey,
    make: () => Promise<Result | undefined>,
  ): Promise<Outcome<Result>> {
    const counted = await attempts.count(throttleKey)
    if (counted.state === 'refused') return counted
    try {
      const result = await make()
      return result ? { state: 'succeeded', result } : { ...counted, state: 'failed' }
    } catch (error) {
      // What went wrong first is what the caller has to learn.
      await attempts.takeBack(throttleKey, counted).catch(() => undefined)
      throw error
    }
  }

  async function asOneOf<Result>(ends: Set<Promise<unknown>>, work: Promise<Result>): Promise<Result> {
    const end = work.catch(() => undefined)
    ends.add(end)
    try {
      return await work
    } finally {
      ends.delete(end)
    }
  }

  return {
    attempt: (throttleKey, make) =>
      withOngoing(throttleKey.key, async (mine) => {
        const makeNoted = async () => {
          const result = await make()
          if (result) mine.successes += 1
          return result
        }
        for (;;) {
          const { successes } = mine
          const outcome = await asOneOf(mine.inProgress, attemptOnce(throttleKey, makeNoted))
          if (outcome.state !== 'refused') return outcome
          // Those in progress count as failed until they are over: who logs in on many screens at once is no guesser.
          await Promise.all(mine.inProgress)
          if (mine.successes === successes) return outcome
        }
      }),
  }
}
