import { createAttempts } from '../../../src/features/throttle/attempts.ts'
import type { AttemptStore } from '../../../src/features/throttle/index.ts'

type Counted = Awaited<ReturnType<AttemptStore['count']>>

/** Each count is answered by the test, in the order that the test wants. */
function givenCounts() {
  const answers: ((counted: Counted) => void)[] = []
  const count = () => new Promise<Counted>((resolve) => answers.push(resolve))
  const throttle = createAttempts({ attempts: { count } as unknown as AttemptStore })
  return { answers, attempt: () => throttle.attempt({ key: 'user:1' }, async () => ({})) }
}

// Answers of the database come over several connections: a refusal could be read before the counts that caused it, and
// one of the right logins that came at once was refused.
describe('an attempt that may not be made while others are in progress', () => {
  it('is made after one of them has succeeded, in whatever order their counts are read', async () => {
    const { answers, attempt } = givenCounts()
    const earlier = attempt()
    const later = attempt()
    answers[1]?.({ state: 'refused', failures: 5, closed: false })
    await new Promise(setImmediate)
    answers[0]?.({ state: 'counted', failures: 5, closed: false, at: new Date() })
    expect((await earlier).state).toBe('succeeded')
    await new Promise(setImmediate)
    answers[2]?.({ state: 'counted', failures: 1, closed: false, at: new Date() })
    expect((await later).state).toBe('succeeded')
  })

  it('is refused when none of them succeeded', async () => {
    const { answers, attempt } = givenCounts()
    const both = [attempt(), attempt()]
    for (const answer of answers) answer({ state: 'refused', failures: 5, closed: false })
    expect((await Promise.all(both)).map(({ state }) => state)).toEqual(['refused', 'refused'])
    expect(answers).toHaveLength(2)
  })
})
