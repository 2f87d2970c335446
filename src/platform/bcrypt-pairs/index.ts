import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface Comparison {
  /** Text without NUL, of which bcrypt sees 72 bytes. */
  readonly password: string
  /** `$2b$cost$salt+digest`. */
  readonly hash: string
}

export type Pair = readonly [Comparison, Comparison]

/** Threads without work. They are kept, as one takes 30 ms to make and 8 MiB. */
const idle: Worker[] = []

/** bcrypt of two passwords at once, on one core and in the time of one. */
export const bcryptPairs = {
  /** Says of each password whether it has its hash, after the work of this cost. No hash has a higher one. Throws when there can be no thread. */
  async compare(pair: Pair, cost: number): Promise<[boolean, boolean]> {
    const thread = idle.pop() ?? startThread()
    // Only a thread that computes keeps the process running.
    thread.ref()
    const answered = once(thread, 'message')
    thread.postMessage({ pair, cost })
    const [matches] = await answered
    thread.unref()
    idle.push(thread)
    return matches
  },
}

/** It has no need of the environment, which holds secrets. */
function startThread(): Worker {
  return new Worker(new URL('./thread.js', import.meta.url), {
    env: {},
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 },
  })
}
