import { AuthError } from '../../src/kernel/errors.ts'
import { createFairSemaphore } from '../../src/platform/fair-semaphore.ts'

const computeNothing = async () => []

/** A semaphore whose work ends when the test says so, one after the other. */
function givenSemaphore({ width = 1, queueLimit }: { width?: number; queueLimit: number }) {
  const inTurn = createFairSemaphore({ width, queueLimit, computeTogether: computeNothing })
  const begun: { name: string; end: () => void }[] = []
  const refused: string[] = []

  return {
    refused,
    load: inTurn.load,
    async ask(...names: string[]) {
      for (const name of names) {
        const work = () => new Promise<void>((end) => begun.push({ name, end }))
        inTurn(name.charAt(0), work).catch((error: unknown) => {
          expect(error).toBeInstanceOf(AuthError)
          expect((error as AuthError).definition).toMatchObject({ code: 'overloaded', status: 503 })
          refused.push(name)
        })
      }
      await new Promise(setImmediate)
    },
    /** The work that ran, in its order. */
    async serve() {
      for (let index = 0; index < begun.length; index += 1) {
        begun[index]?.end()
        await new Promise(setImmediate)
      }
      return begun.map(({ name }) => name)
    },
  }
}

describe('work in the queue', () => {
  it('runs one item of each client per round, whatever the order of arrival', async () => {
    const { ask, serve, refused } = givenSemaphore({ queueLimit: 20 })
    await ask('a0', 'a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1', 'a5')
    expect(await serve()).toEqual(['a0', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4', 'a5'])
    expect(refused).toEqual([])
  })

  it('of a late client runs after one of each queued client', async () => {
    const { ask, serve } = givenSemaphore({ queueLimit: 20 })
    await ask('a0', 'a1', 'b1', 'a2', 'b2', 'c1')
    expect(await serve()).toEqual(['a0', 'a1', 'b1', 'c1', 'a2', 'b2'])
  })

  it('runs at once while there is room', async () => {
    const { ask, serve, refused } = givenSemaphore({ width: 3, queueLimit: 1 })
    await ask('a0', 'a1', 'a2', 'a3', 'a4')
    expect(refused).toEqual(['a4'])
    expect(await serve()).toEqual(['a0', 'a1', 'a2', 'a3'])
  })

  it('holds half of the places for one client, whose further work is refused at once', async () => {
    const { ask, serve, refused } = givenSemaphore({ queueLimit: 5 })
    await ask('a0', 'a1', 'a2', 'a3', 'a4', 'a5')
    expect(refused).toEqual(['a4', 'a5'])
    await ask('b1', 'b2')
    expect(refused).toEqual(['a4', 'a5'])
    expect(await serve()).toEqual(['a0', 'a1', 'b1', 'a2', 'b2', 'a3'])
  })

  it('takes the newest place of the client that has most when all are taken', async () => {
    const { ask, serve, refused } = givenSemaphore({ queueLimit: 4 })
    await ask('a0', 'a1', 'a2', 'b1', 'b2')
    await ask('c1')
    expect(refused).toEqual(['a2'])
    await ask('d1')
    expect(refused).toEqual(['a2', 'b2'])
    await ask('e1', 'a3', 'c2')
    expect(refused).toEqual(['a2', 'b2', 'e1', 'a3', 'c2'])
    expect(await serve()).toEqual(['a0', 'a1', 'b1', 'c1', 'd1'])
  })

  it('is counted while it waits and while it runs', async () => {
    const { ask, serve, load } = givenSemaphore({ width: 2, queueLimit: 4 })
    await ask('a0', 'b0', 'a1', 'c0', 'a2')
    expect(load()).toEqual({ running: 2, waiting: 3 })
    await serve()
    expect(load()).toEqual({ running: 0, waiting: 0 })
  })

  it('frees its place when it fails, at once or later', async () => {
    const inTurn = createFairSemaphore({ width: 1, queueLimit: 2, computeTogether: computeNothing })
    const failures = await Promise.allSettled([
      inTurn('a', () => {
        throw new Error('at once')
      }),
      inTurn('a', () => Promise.reject(new Error('later'))),
    ])
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await inTurn('a', async () => 'served')).toBe('served')
  })
})

/** A semaphore whose computations end, or fail, when the test says so. */
function givenComputing({ width = 1, queueLimit = 20 } = {}) {
  const begun: { items: readonly string[]; end: () => void; fail: (error: Error) => void }[] = []
  const semaphore = createFairSemaphore<string, string>({
    width,
    queueLimit,
    computeTogether: (items) =>
      new Promise((resolve, fail) => {
        begun.push({ items, fail, end: () => resolve(items.map((item) => `${item} computed`)) })
      }),
  })
  const turn = () => new Promise(setImmediate)

  return {
    semaphore,
    begun,
    turn,
    /** Asks for each item after the one before, and returns what becomes of all. */
    async compute(...items: string[]) {
      const results: Promise<string>[] = []
      for (const item of items) {
        results.push(semaphore.compute(item.charAt(0), item))
        await turn()
      }
      return { outcomes: Promise.allSettled(results) }
    },
    /** Ends what runs, one after the other, and returns all items that were computed. */
    async serve() {
      for (let index = 0; index < begun.length; index += 1) {
        begun[index]?.end()
        await turn()
      }
      return begun.map(({ items }) => items)
    },
  }
}

describe('items that can be computed together', () => {
  it('are computed by one while there is room, and by two when they have waited', async () => {
    const { compute, serve } = givenComputing({ width: 2 })
    const { outcomes } = await compute('a0', 'b0', 'c0', 'd0', 'e0')
    expect(await serve()).toEqual([['a0'], ['b0'], ['c0', 'd0'], ['e0']])
    expect(await outcomes).toEqual(
      ['a0', 'b0', 'c0', 'd0', 'e0'].map((item) => ({ status: 'fulfilled', value: `${item} computed` })),
    )
  })

  it('are computed by two at once when they come at the same time', async () => {
    const { semaphore, serve } = givenComputing({ width: 2 })
    const results = ['a0', 'b0', 'c0'].map((item) => semaphore.compute(item.charAt(0), item))
    await new Promise(setImmediate)
    expect(await serve()).toEqual([['a0', 'c0'], ['b0']])
    await Promise.all(results)
  })

  it('come from the clients in turn', async () => {
    const { compute, serve } = givenComputing()
    await compute('a0', 'a1', 'a2', 'a3', 'b1', 'c1')
    expect(await serve()).toEqual([['a0'], ['a1', 'b1'], ['c1', 'a2'], ['a3']])
  })

  it('pass over other work that waits between them, which runs next', async () => {
    const { compute, semaphore, begun, turn } = givenComputing()
    await compute('a0', 'c0')
    let worked = false
    const work = semaphore('b', async () => {
      worked = true
    })
    await compute('d0', 'e0')
    begun[0]?.end()
    await turn()
    expect(begun[1]?.items).toEqual(['c0', 'd0'])
    expect(worked).toBe(false)
    begun[1]?.end()
    await work
    await turn()
    expect(begun[2]?.items).toEqual(['e0'])
    begun[2]?.end()
  })

  it('fail both when their computation fails, and free the place', async () => {
    const { compute, begun, semaphore, turn } = givenComputing()
    const { outcomes } = await compute('a0', 'b0', 'c0')
    begun[0]?.end()
    await turn()
    begun[1]?.fail(new Error('no thread'))
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(semaphore.load()).toEqual({ running: 0, waiting: 0 })
  })

  it('count both as running', async () => {
    const { compute, begun, semaphore, turn, serve } = givenComputing()
    await compute('a0', 'b0', 'c0', 'd0')
    expect(semaphore.load()).toEqual({ running: 1, waiting: 3 })
    begun[0]?.end()
    await turn()
    expect(semaphore.load()).toEqual({ running: 2, waiting: 1 })
    await serve()
    expect(semaphore.load()).toEqual({ running: 0, waiting: 0 })
  })
})
