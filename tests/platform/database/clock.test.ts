import { startDatabaseClock } from '../../../src/platform/database/clock.ts'

/** A database and a machine whose clocks a test moves. */
function givenClocks() {
  const clocks = { database: 1_000_000, monotonic: 500, wall: 900_000, answerMs: 10, isAway: false, reads: 0 }
  function pass(ms: number): void {
    clocks.database += ms
    clocks.monotonic += ms
    clocks.wall += ms
  }
  const sources = {
    monotonicMs: () => clocks.monotonic,
    wallMs: () => clocks.wall,
    async readMs() {
      clocks.reads += 1
      if (clocks.isAway) throw new Error('the database is away')
      pass(clocks.answerMs / 2)
      const instant = clocks.database
      pass(clocks.answerMs / 2)
      return instant
    },
  }
  return { clocks, pass, sources }
}

/** Lets work that has begun finish. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('the clock of the database', () => {
  it('is right to half of the round trip, whatever the clock of the machine says', async () => {
    const { clocks, pass, sources } = givenClocks()
    const clock = await startDatabaseClock(sources)
    expect(clock.now().getTime()).toBe(clocks.database)
    pass(60_000)
    expect(clock.now().getTime()).toBe(clocks.database)
    clock.stop()
  })

  it('goes on while the database is away', async () => {
    const { clocks, pass, sources } = givenClocks()
    const clock = await startDatabaseClock(sources)
    clocks.isAway = true
    pass(3_600_000)
    clocks.wall += 5000
    expect(clock.now().getTime()).toBe(clocks.database)
    await settle()
    expect(clock.now().getTime()).toBe(clocks.database)
    clock.stop()
  })

  it('is measured again when the machine was suspended', async () => {
    const { clocks, sources } = givenClocks()
    const clock = await startDatabaseClock(sources)
    clocks.database += 7_200_000
    clocks.wall += 7_200_000
    clock.now()
    await settle()
    expect(Math.abs(clock.now().getTime() - clocks.database)).toBeLessThanOrEqual(clocks.answerMs / 2)
    clock.stop()
  })

  it('is moved by a slow answer only as far as that answer proves it wrong', async () => {
    const { clocks, sources } = givenClocks()
    const clock = await startDatabaseClock(sources)
    clocks.answerMs = 8000
    clocks.wall += 3000
    clock.now()
    await settle()
    expect(clocks.reads).toBe(3)
    expect(clock.now().getTime()).toBe(clocks.database)
    clock.stop()
  })

  it('lets no server start that cannot read it', async () => {
    const { clocks, sources } = givenClocks()
    clocks.isAway = true
    await expect(startDatabaseClock(sources)).rejects.toThrow(/time of the database cannot be read/)
  })
})
