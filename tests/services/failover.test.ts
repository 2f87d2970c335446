import { setTimeout as delay } from 'node:timers/promises'
import { createActor } from '../crash/actor.ts'
import { ask } from '../crash/ask.ts'
import { checkActor } from '../crash/check-actor.ts'
import { checkRows, readEvents } from '../crash/check-rows.ts'
import { createRandom } from '../crash/random.ts'
import { endProcesses, processKey, startProcess, until } from '../support/process.ts'
import { endPrograms } from '../support/program.ts'
import { startReplicatedPostgres } from '../support/replicated-postgres.ts'

afterEach(async () => {
  await endProcesses()
  await endPrograms()
})

/** One round, or as many as are to be recorded. */
const rounds = Array.from({ length: Number(process.env.FAILOVER_ROUNDS ?? 1) }, (_, index) => index + 1)

it.each(rounds)(
  'nothing that was acknowledged is lost when the primary is killed and the standby takes over: round %i',
  async (round) => {
    const random = createRandom(round)
    const postgres = await startReplicatedPostgres()
    const server = startProcess({
      ...processKey,
      DATABASE_URL: postgres.url,
      RATE_LIMITS: 'off',
      REFRESH_GRACE: '60s',
      LOG_LEVEL: 'error',
    })
    const url = await server.ready
    const actors = Array.from({ length: 8 }, (_, index) =>
      createActor({ name: `failover${round}-${index}`, url, random, mailedToken: () => undefined }),
    )
    const runs = actors.map((actor) => actor.run())
    const wanted = 80 + random.below(80)
    await until(async () => actors.reduce((sum, { ledger }) => sum + ledger.acts.length, 0) > wanted)
    await delay(random.below(20))
    await postgres.killPrimary()
    await Promise.all(runs)
    await postgres.promoteStandby()
    const promotedAt = performance.now()
    const body = { username: 'unknown-user', password: 'a wrong password' }
    await until(async () => {
      const answer = await ask({ agent: false, url, route: 'POST /login_credentials', body, userAgent: 'recovery' })
      return answer.status === 401
    }, 10_000)
    const servedAfterMs = Math.round(performance.now() - promotedAt)
    const events = await readEvents(postgres.standbyUrl)
    const broken = await checkRows(postgres.standbyUrl)
    for (const { ledger, complaints } of actors)
      broken.push(...complaints, ...(await checkActor({ url, ledger, events })))
    const acknowledged = actors.flatMap(({ ledger }) => ledger.acts).filter(({ outcome }) => outcome === 'acknowledged')
    console.log(
      `round ${round}: ${acknowledged.length} acts acknowledged, served ${servedAfterMs} ms after the promotion`,
    )
    expect(broken).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(40)
  },
)
