import { AuthError, requestErrors } from '../kernel/errors.ts'

interface Waiting {
  readonly admit: () => void
  readonly refuse: (reason: AuthError) => void
}

export interface FairSemaphore {
  /** Runs the work of a client once it is its turn. Throws `overloaded` when too many wait already. */
  <Result>(client: string, work: () => Promise<Result>): Promise<Result>
  readonly load: () => { readonly waiting: number; readonly running: number }
}

/**
 * Lets so many pieces of work run at once, and so many wait. The clients that wait are served in turn, one piece of work
 * each. No client may hold more than half of the places; when all are in use, a client that holds few gets the newest
 * place of the one that holds most. So a flood from one network, or from several, delays another client by one round.
 */
export function createFairSemaphore({
  width,
  queueLimit,
  onStart,
}: {
  width: number
  queueLimit: number
  /** Told how long each piece of work waited for its turn. */
  onStart?: ((waitedSeconds: number) => void) | undefined
}): FairSemaphore {
  const mostPerClient = Math.ceil(queueLimit / 2)
  /** By client. The one whose turn is next comes first. */
  const queues = new Map<string, Waiting[]>()
  let running = 0
  let waiting = 0

  function waitForTurn(client: string): Promise<void> {
    const queue = queues.get(client) ?? []
    if (queue.length >= mostPerClient || !makeRoom(queue.length)) throw new AuthError(requestErrors.overloaded)
    queues.set(client, queue)
    waiting += 1
    return new Promise((admit, refuse) => {
      queue.push({ admit, refuse })
    })
  }

  /** Whether there is a place for a client that holds so many. */
  function makeRoom(held: number): boolean {
    if (waiting < queueLimit) return true
    const [longest] = [...queues.values()].sort((a, b) => b.length - a.length)
    // Otherwise the two would take the place from each other for ever.
    if (!longest || longest.length <= held + 1) return false
    waiting -= 1
    longest.pop()?.refuse(new AuthError(requestErrors.overloaded))
    return true
  }

  function admitNext(): void {
    const [next] = queues
    if (!next) {
      running -= 1
      return
    }
    const [client, queue] = next
    const first = queue.shift()
    queues.delete(client)
    if (queue.length > 0) queues.set(client, queue)
    waiting -= 1
    first?.admit()
  }

  async function run<Result>(client: string, work: () => Promise<Result>): Promise<Result> {
    const arrivedAt = performance.now()
    if (running < width) running += 1
    else await waitForTurn(client)
    onStart?.((performance.now() - arrivedAt) / 1000)
    try {
      return await work()
    } finally {
      admitNext()
    }
  }

  return Object.assign(run, { load: () => ({ waiting, running }) })
}
