import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { targets } from '../support/endpoints.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import { nameOf, step } from './calls.ts'
import { createRunner } from './runner.ts'
import { openStore } from './store.ts'

const defaultRequests = 20_000
/** So many requests reach every endpoint. */
const enoughForAll = 5000
const stepsInARow = { minLength: 1, maxLength: 24, size: 'max' } as const
/** Of a run, at least, with the requests that prepare it. */
const requestsPerRun = 8
const longestShrinkMs = 90_000

/** Sends one share of the requests that were asked for to a server with these settings; throws the smallest case that breaks a promise. */
export async function campaign(name: string, settings: Readonly<Record<string, string>>, share: number): Promise<void> {
  const wanted = Math.ceil(Number(process.env.FUZZ_REQUESTS ?? defaultRequests) * share)
  const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))
  const path = process.env.FUZZ_PATH
  const server = await startServer(settings)
  try {
    await attack(name, server, { wanted, seed, path })
  } finally {
    await server.close()
  }
}

interface Extent {
  readonly wanted: number
  readonly seed: number
  /** To one case that failed before. */
  readonly path: string | undefined
}

async function attack(name: string, server: TestServer, { wanted, seed, path }: Extent): Promise<void> {
  const store = await openStore(server.settings.DATABASE_URL ?? '')
  const { run, tally } = createRunner(server, store)
  let failedAt = 0
  const promises = fc.asyncProperty(fc.array(step, stepsInARow), async (steps) => {
    const isDone = failedAt === 0 ? tally.requests >= wanted : Date.now() - failedAt > longestShrinkMs
    if (isDone) return
    try {
      await run(steps)
    } catch (error) {
      failedAt ||= Date.now()
      throw error
    }
  })
  const numRuns = Math.ceil(wanted / requestsPerRun)
  const result = await fc.check(promises, { numRuns, seed, ...(path !== undefined && { path }) })
  await store.close()
  console.log(`${name}, seed ${seed}: ${tally.requests} requests\n${tally.summary()}`)
  if (result.failed) {
    const replay = `FUZZ_SEED=${seed} FUZZ_PATH=${result.counterexamplePath} npm run fuzz -- -t '${name}'`
    throw new Error(`${result.errorInstance}\n${fc.defaultReportMessage(result)}\nOnce more: ${replay}`)
  }
  if (path !== undefined || wanted < enoughForAll) return
  const missed = targets.map(nameOf).filter((target) => !tally.welcomed.has(target))
  if (missed.length > 0) throw new Error(`no request got through to ${missed.join(', ')}`)
}
