import { cleanUpWhenInterrupted } from '../support/interrupted.ts'
import { endProcesses, givenFolder } from '../support/process.ts'
import { playSideBySide } from './side-by-side.ts'
import { startSides } from './sides.ts'
import type { Check } from './story.ts'
import { playStory } from './story.ts'

const usage = `Usage: npm run test:django

Plays the move from a real Django with SimpleJWT to this server, as it is built (npm run build): users log in at Django, are imported,
refresh here with the tokens that they have, log in with every kind of hash, and use both sides, which are followed. Needs the Debian packages
python3-djangorestframework, python3-djangorestframework-simplejwt, python3-psycopg2, python3-argon2 and python3-bcrypt.
The last line is "N passed, N failed".
`

if (process.argv.length > 2) {
  process.stdout.write(usage)
  process.exit(process.argv[2] === '--help' ? 0 : 2)
}

const folder = await givenFolder()
process.env.TMPDIR = folder
cleanUpWhenInterrupted(folder)

const counts = { passed: 0, failed: 0 }
const check: Check = (title, holds, answer) => {
  counts[holds ? 'passed' : 'failed'] += 1
  if (!holds) console.log(`FAILED  ${title}${answer ? `: ${answer.status} ${answer.text}` : ''}`)
}
const sides = await startSides()
await playStory(sides, check)
  .then(() => playSideBySide(sides, check))
  .catch((error: unknown) => {
    console.log(error)
    counts.failed += 1
  })
await sides.end()
await endProcesses()
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed > 0 ? 1 : 0)
