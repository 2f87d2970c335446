import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface Comparison {
  /** Text without NUL, of which bcrypt sees 72 bytes. */
  readonly password: string
  /** `$2b$cost$salt+digest`. */
  readonly hash: string
}

export type Pair = readonly [Comparison, Comparison]

interface Thread {
  readonly worker: Worker
  /** Aborted when the thread has ended, which only a fault causes. */
  readonly ended: AbortSignal
}

/** Threads without work. They are kept, as one takes 30 ms to make and 8 MiB. */
const idle = new Set<Thread>()

/** bcrypt of two passwords at once, on one core and in the time of one. An object, so that tests can replace its function. */
export const bcryptPairs = {
  /** Says of each password whether it has its hash, after the work of this cost. No hash has a higher one. Throws when there is no thread. */
  async compare(pair: Pair, cost: number): Promise<[boolean, boolean]> {
    const [thread = startThread()] = idle
    idle.delete(thread)
    const { worker, ended } = thread
    const answered = once(worker, 'message', { signal: ended })
    // Only a thread that computes keeps the process running.
    worker.ref()
    worker.postMessage({ pair, cost })
    const [matches] = await answered
    worker.unref()
    idle.add(thread)
    return matches
  },
}

function startThread(): Thread {
  const worker = new Worker(new URL('./thread.js', import.meta.url), {
    // It has no need of the environment, which holds secrets.
    env: {},
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 },
  })
  const end = new AbortController()
  const thread = { worker, ended: end.signal }
  // Without a listener, the fault of an idle thread would end the process.
  worker.on('error', () => undefined)
  worker.once('exit', () => {
    idle.delete(thread)
    end.abort()
  })
  return thread
}
