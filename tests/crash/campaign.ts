import { setTimeout as delay } from 'node:timers/promises'
import type { PrivatePostgres } from '../support/private-postgres.ts'
import { startPrivatePostgres } from '../support/private-postgres.ts'
import type { ServerProcess } from '../support/process.ts'
import { processKey, startProcess, until } from '../support/process.ts'
import type { Actor } from './actor.ts'
import { createActor } from './actor.ts'
import { ask } from './ask.ts'
import { checkActor } from './check-actor.ts'
import { checkRows, readEvents } from './check-rows.ts'
import { startMailbox } from './mails.ts'
import type { Random } from './random.ts'

/** The server; the PostgreSQL behind it; or one of two servers on one database. */
export const targets = ['server', 'database', 'instance'] as const
export type Target = (typeof targets)[number]

const actorsPerRound = 8
/** The kill comes after some number of acknowledged acts, up to this one, and a moment later. */
const mostActs = 160
const longestMomentMs = 20
/** How long a server may take to serve again after PostgreSQL is back, with what a busy machine adds. */
const recoveryMs = 15_000

/** The settings that a real server has: what is committed is on the disk. */
const durable = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }

interface Totals {
  acknowledged: number
  unknown: number
  readonly recoveries: number[]
}

/** Servers, their database and their mail server, to be killed in rounds. */
export async function startCampaign(random: Random) {
  const postgres = await startPrivatePostgres(durable)
  const mailbox = await startMailbox()
  const totals: Totals = { acknowledged: 0, unknown: 0, recoveries: [] }
  let servers: Running[] = []
  let round = 0
  let crashes = 0

  async function startServer(): Promise<Running> {
    const process = startProcess({
      ...processKey,
      ...mailbox.settings,
      DATABASE_URL: postgres.url,
      RATE_LIMITS: 'off',
      // The checks may come late.
      REFRESH_GRACE: '60s',
      LOG_LEVEL: 'error',
    })
    return { process, url: await process.ready }
  }

  async function run(target: Target): Promise<string[]> {
    round += 1
    crashes += 1
    const count = target === 'instance' ? 2 : 1
    while (servers.length < count) servers.push(await startServer())
    const actors = Array.from({ length: actorsPerRound }, (_, index) =>
      createActor({
        name: `r${round}-${index}-${random.below(1e6)}`,
        url: servers[index % count]?.url ?? '',
        random,
        mailedToken: mailbox.tokenFor,
      }),
    )
    const runs = actors.map((actor) => actor.run())
    const acts = random.below(mostActs)
    await until(async () => countActs(actors) >= acts)
    await delay(random.below(longestMomentMs))
    const broken = await kill(target, actors, runs)
    const [left] = servers
    if (!left) throw new Error('no server is left')
    const events = await readEvents(postgres.url)
    for (const { ledger, complaints } of actors) {
      for (const { outcome } of ledger.acts) totals[outcome] += 1
      broken.push(...complaints, ...(await checkActor({ url: left.url, ledger, events })))
    }
    return [...broken, ...(await checkRows(postgres.url))]
  }

  /** Kills the target, and brings back what the checks need. */
  async function kill(target: Target, actors: readonly Actor[], runs: readonly Promise<void>[]): Promise<string[]> {
    const [victim] = servers
    if (!victim) return []
    if (target === 'database') {
      await postgres.kill()
      await Promise.all(runs)
      totals.recoveries.push(await recover(postgres, victim.url))
      return []
    }
    victim.process.kill('SIGKILL')
    await victim.process.exit
    servers = servers.slice(1)
    const survivors = target === 'instance' ? actors.filter((_, index) => index % 2 === 1) : []
    const acts = survivors.map(({ ledger }) => ledger.acts.length)
    // The others go on for some acts: nothing that the victim has held may stand in their way.
    await until(async () => survivors.every(({ ledger }, index) => ledger.acts.length > (acts[index] ?? 0) + 5))
    for (const survivor of survivors) survivor.stop()
    await Promise.all(runs)
    if (servers.length === 0) servers.push(await startServer())
    return survivors.flatMap(({ ledger }) =>
      ledger.acts.filter(({ outcome }) => outcome === 'unknown').map(({ id }) => `${id}: an error on the other server`),
    )
  }

  return {
    totals,
    run,
    /** Sends what is queued and holds it against what has come. */
    async checkMails() {
      if (servers.length === 0) servers.push(await startServer())
      await mailbox.empty(postgres.url)
      return mailbox.check(postgres.url, crashes)
    },
    async end() {
      for (const { process } of servers) process.kill('SIGKILL')
      await Promise.all(servers.map(({ process }) => process.exit))
      await mailbox.stop()
      await postgres.end()
    },
  }
}

const countActs = (actors: readonly Actor[]) => actors.reduce((sum, { ledger }) => sum + ledger.acts.length, 0)

interface Running {
  readonly process: ServerProcess
  readonly url: string
}

/** Starts PostgreSQL again. Returns the milliseconds from its return to the first answer of the same server. */
async function recover(postgres: PrivatePostgres, url: string): Promise<number> {
  await postgres.start()
  const begin = performance.now()
  const credentials = { username: 'unknown-user', password: 'a wrong password' }
  await until(async () => {
    const body = {
      agent: false,
      url,
      route: 'POST /login_credentials',
      body: credentials,
      userAgent: 'recovery',
    } as const
    return (await ask(body)).status === 401
  }, recoveryMs)
  return performance.now() - begin
}
