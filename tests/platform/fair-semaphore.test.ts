import { AuthError } from '../../src/kernel/errors.ts'
import { createFairSemaphore } from '../../src/platform/fair-semaphore.ts'

/** A semaphore whose work ends when the test says so, one after the other. */
function givenSemaphore({ width = 1, queueLimit }: { width?: number; queueLimit: number }) {
  const inTurn = createFairSemaphore({ width, queueLimit })
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
    const inTurn = createFairSemaphore({ width: 1, queueLimit: 2 })
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
