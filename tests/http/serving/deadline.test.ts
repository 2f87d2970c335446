import { startDeadline } from '../../../src/http/serving/deadline.ts'

const never = new Promise<string>(() => undefined)

describe('a deadline', () => {
  it('passes on a result or an error that comes in time', async () => {
    const inTime = startDeadline(60_000)
    expect(await inTime(Promise.resolve('done'))).toBe('done')
    await expect(inTime(Promise.reject(new Error('wrong')))).rejects.toThrow('wrong')
  })

  it('answers that the server is busy for all work that takes longer', async () => {
    const inTime = startDeadline(20)
    for (const work of [never, never]) {
      await expect(inTime(work)).rejects.toMatchObject({ definition: { code: 'overloaded', status: 503 } })
    }
  })
})
