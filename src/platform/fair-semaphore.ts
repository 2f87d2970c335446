import { AuthError, requestErrors } from '../kernel/errors.ts'

/** The result of an item that is computed together with another one, in the place of that one. */
interface Shared<Result> {
  readonly result: Promise<Result>
}

interface Waiting<Item, Result> {
  /** Gives it a place, or the result of another place. */
  readonly admit: (shared?: Shared<Result>) => void
  readonly refuse: (reason: AuthError) => void
  readonly item: Item | undefined
}

export interface FairSemaphore<Item, Result> {
  /** Runs the work of a client once it is its turn. Throws `overloaded` when too many wait already. */
  <Outcome>(client: string, work: () => Promise<Outcome>): Promise<Outcome>
  /** Computes the item of a client once it is its turn, and together with it the next one that waits. Throws as above. */
  readonly compute: (client: string, item: Item) => Promise<Result>
  readonly load: () => { readonly waiting: number; readonly running: number }
}

/**
 * Lets so many pieces of work run at once, and so many wait. The clients that wait are served in turn, one piece of work
 * each. No client may hold more than half of the places; when all are in use, a client that holds few gets the newest
 * place of the one that holds most. So a flood from one network, or from several, delays another client by one round.
 */
export function createFairSemaphore<Item = never, Result = never>({
  width,
  queueLimit,
  computeTogether,
  onStart,
}: {
  width: number
  queueLimit: number
  /** Computes one item, or two in hardly more time than one; a result for each, in their order. */
  computeTogether: (items: readonly [Item] | readonly [Item, Item]) => Promise<readonly Result[]>
  /** Told how long each piece of work waited for its turn. */
  onStart?: ((waitedSeconds: number) => void) | undefined
}): FairSemaphore<Item, Result> {
  const mostPerClient = Math.ceil(queueLimit / 2)
  /** By client. The one whose turn is next comes first. */
  const queues = new Map<string, Waiting<Item, Result>[]>()
  let running = 0
  /** Those that share the place of another one. */
  let sharing = 0
  let waiting = 0

  async function waitForTurn(client: string, item?: Item): Promise<Shared<Result> | undefined> {
    if (running < width) {
      running += 1
      return undefined
    }
    const queue = queues.get(client) ?? []
    if (queue.length >= mostPerClient || !makeRoom(queue.length)) throw new AuthError(requestErrors.overloaded)
    queues.set(client, queue)
    waiting += 1
    return new Promise((admit, refuse) => {
      queue.push({ admit, refuse, item })
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

  /** Takes the first that fits, of the first client in turn, out of the queue. */
  function takeNext(fits: (next: Waiting<Item, Result>) => boolean): Waiting<Item, Result> | undefined {
    for (const [client, queue] of queues) {
      const [first] = queue
      if (!first || !fits(first)) continue
      queue.shift()
      queues.delete(client)
      if (queue.length > 0) queues.set(client, queue)
      waiting -= 1
      return first
    }
    return undefined
  }

  function leave(): void {
    const next = takeNext(() => true)
    if (next) next.admit()
    else running -= 1
  }

  async function enter(client: string, item?: Item): Promise<Shared<Result> | undefined> {
    const arrivedAt = performance.now()
    const shared = await waitForTurn(client, item)
    onStart?.((performance.now() - arrivedAt) / 1000)
    return shared
  }

  async function run<Outcome>(client: string, work: () => Promise<Outcome>): Promise<Outcome> {
    await enter(client)
    try {
      return await work()
    } finally {
      leave()
    }
  }

  async function compute(client: string, item: Item): Promise<Result> {
    const shared = await enter(client, item)
    if (shared) return shared.result
    const other = takeNext((next) => next.item !== undefined)
    sharing += other ? 1 : 0
    try {
      const results = computeTogether(other?.item === undefined ? [item] : [item, other.item])
      other?.admit({ result: results.then(([, second]) => second as Result) })
      return (await results)[0] as Result
    } finally {
      sharing -= other ? 1 : 0
      leave()
    }
  }

  return Object.assign(run, { compute, load: () => ({ waiting, running: running + sharing }) })
}
