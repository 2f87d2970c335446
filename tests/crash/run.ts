import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { cleanUpWhenInterrupted } from '../support/interrupted.ts'
import { endProcesses, givenFolder } from '../support/process.ts'
import type { Target } from './campaign.ts'
import { startCampaign, targets } from './campaign.ts'
import { createRandom } from './random.ts'

const usage = `Usage: npm run crash [-- --rounds N] [--kill server|database|instance] [--seed N]

Kills with -9, at random moments while users do all kinds of things: the server, the PostgreSQL behind it, or one of two servers on one
database. After each kill, whatever was acknowledged has to be there, and everything else whole or not at all. Without --kill, each of
the three is killed in so many rounds (2 when not said). The last line is "N passed, N failed".
`

interface Options {
  readonly rounds: number
  readonly kills: readonly Target[]
  readonly seed: number
}

function readOptions(): Options {
  const options = {
    rounds: { type: 'string' },
    kill: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean' },
  } as const
  try {
    const { values } = parseArgs({ options })
    if (values.help) {
      process.stdout.write(usage)
      process.exit(0)
    }
    const rounds = Number(values.rounds ?? 2)
    const seed = Number(values.seed ?? randomInt(2 ** 32))
    const kills = targets.filter((target) => values.kill === undefined || target === values.kill)
    if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed) || kills.length === 0)
      throw new Error('These options are not understood')
    return { rounds, kills, seed }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    return process.exit(2)
  }
}

const { rounds, kills, seed } = readOptions()
console.log(`seed ${seed}`)
const folder = await givenFolder()
process.env.TMPDIR = folder
cleanUpWhenInterrupted(folder)
const campaign = await startCampaign(createRandom(seed))
let failed = 0
for (const kill of kills) {
  for (let round = 1; round <= rounds; round += 1) {
    const broken = await campaign.run(kill)
    if (broken.length > 0) failed += 1
    for (const text of broken) console.log(`${kill}, round ${round}: ${text}`)
    // A long run shows where it is.
    if (round % 10 === 0) console.error(`${kill}: ${round} of ${rounds} rounds, ${campaign.totals.acknowledged} acts`)
  }
}
const mails = await campaign.checkMails()
for (const text of mails.broken) console.log(text)
if (mails.broken.length > 0) failed += 1
const { acknowledged, unknown, recoveries } = campaign.totals
console.log(
  `${acknowledged} acts acknowledged, ${unknown} with an unknown outcome; ${mails.sent} mails, ${mails.doubled} of them twice`,
)
if (recoveries.length > 0)
  console.log(`served again ${Math.round(Math.max(...recoveries))} ms after PostgreSQL at the latest`)
await campaign.end()
await endProcesses()
console.log(`${rounds * kills.length + 1 - failed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
