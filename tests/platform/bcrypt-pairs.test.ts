import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import bcrypt from 'bcrypt'
import type { Comparison } from '../../src/platform/bcrypt-pairs/index.ts'
import { bcryptPairs } from '../../src/platform/bcrypt-pairs/index.ts'

/** Text of so many bytes. */
const textOf = (bytes: number) => randomBytes(bytes).toString('base64').slice(0, bytes)

/** A password, and its hash or that of another one. */
async function givenComparison(bytes: number, { right = true, cost = 4 } = {}): Promise<Comparison> {
  const password = textOf(bytes)
  return { password, hash: await bcrypt.hash(right ? password : textOf(bytes), cost) }
}

describe('bcrypt of two passwords at once', () => {
  it('agrees with bcrypt of one, for passwords of every length', async () => {
    for (let bytes = 6; bytes <= 80; bytes += 1) {
      const [first, second] = [await givenComparison(bytes), await givenComparison(86 - bytes)]
      expect(await bcryptPairs.compare([first, second], 4)).toEqual([true, true])
    }
  })

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('says of each whether it is right: %j and %j', async (...right) => {
    const [first, second] = [
      await givenComparison(64, { right: right[0] }),
      await givenComparison(64, { right: right[1] }),
    ]
    expect(await bcryptPairs.compare([first, second], 4)).toEqual(right)
  })

  it('compares a password with its own hash and not with that beside it', async () => {
    const [first, second] = [await givenComparison(64), await givenComparison(64)]
    const crossed: [Comparison, Comparison] = [
      { ...first, hash: second.hash },
      { ...second, hash: first.hash },
    ]
    expect(await bcryptPairs.compare(crossed, 4)).toEqual([false, false])
  })

  it('sees the 72nd byte and, like bcrypt, none behind it', async () => {
    const password = textOf(71)
    const hash = await bcrypt.hash(`${password}a`, 4)
    const compare = (first: string, second: string) =>
      bcryptPairs.compare(
        [
          { password: first, hash },
          { password: second, hash },
        ],
        4,
      )
    expect(await compare(`${password}a`, `${password}b`)).toEqual([true, false])
    expect(await compare(`${password}ab`, password)).toEqual([true, false])
  })

  it.each([4, 5, 8, 10])('works at cost %i', async (cost) => {
    const [first, second] = [await givenComparison(64, { cost }), await givenComparison(64, { cost, right: false })]
    expect(await bcryptPairs.compare([first, second], cost)).toEqual([true, false])
  })

  it.each([
    [4, 6],
    [6, 4],
    [5, 7],
    [4, 4],
  ])('takes hashes of lower costs, such as %i and %i at cost 7', async (...costs) => {
    for (const right of [true, false]) {
      const [first, second] = [
        await givenComparison(64, { cost: costs[0], right }),
        await givenComparison(64, { cost: costs[1], right: !right }),
      ]
      expect(await bcryptPairs.compare([first, second], 7)).toEqual([right, !right])
    }
  })

  it('refuses a hash of a higher cost, and works on', async () => {
    const [first, second] = [await givenComparison(64), await givenComparison(64, { cost: 5 })]
    await expect(bcryptPairs.compare([first, second], 4)).rejects.toThrow('No hash may have a cost above 4')
    expect(await bcryptPairs.compare([first, first], 4)).toEqual([true, true])
  })

  it.each(['idle', 'busy'])('works on in another thread when one has ended that was %s', async (state) => {
    const workers = new Set<Worker>()
    const { postMessage } = Worker.prototype
    Worker.prototype.postMessage = function (this: Worker, message) {
      workers.add(this)
      postMessage.call(this, message)
    }
    try {
      const [first, second] = [await givenComparison(64, { cost: 10 }), await givenComparison(64, { cost: 10 })]
      const compare = () => bcryptPairs.compare([first, second], 10)
      if (state === 'idle') await compare()
      const busy = state === 'busy' ? compare() : undefined
      const failed = busy && expect(busy).rejects.toThrow('aborted')
      for (const worker of workers) await worker.terminate()
      await failed
      expect(workers.size).toBe(1)
      expect(await compare()).toEqual([true, true])
      expect(workers.size).toBe(2)
    } finally {
      Worker.prototype.postMessage = postMessage
    }
  })

  it('keeps many pairs at once apart', async () => {
    const pairs = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const right = [index % 2 === 0, index % 3 === 0]
        const pair = await Promise.all(right.map((each) => givenComparison(64, { right: each, cost: 6 })))
        return { right, pair: pair as [Comparison, Comparison] }
      }),
    )
    const results = await Promise.all(pairs.map(({ pair }) => bcryptPairs.compare(pair, 6)))
    expect(results).toEqual(pairs.map(({ right }) => right))
  })
})
