import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Step } from './walkthrough-steps.ts'
import { applyDiff, readSteps } from './walkthrough-steps.ts'

const usage = `Usage: npm run test:walkthroughs [-- <name>…]

Does what the walkthroughs in docs/walkthroughs say, step by step, each on a copy of the project. A step that fails ends its walkthrough.
Then it does all of them on one copy, and runs the tests that read the declarations there. The last line is "N passed, N failed". Without
names, all walkthroughs are done.

Options:
  --help  show this
`

const projectRoot = fileURLToPath(new URL('..', import.meta.url))
const folder = join(projectRoot, 'docs/walkthroughs')
/** Left out of a copy, as they belong to this folder alone. */
const leftOut = ['.git', '.data', '.env', 'coverage', 'node_modules']
const { workspaces } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { workspaces: string[] }

function readNames(): readonly string[] {
  const known = readdirSync(folder).map((file) => basename(file, '.md'))
  try {
    const options = { help: { type: 'boolean', short: 'h' } } as const
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    if (values.help) {
      process.stdout.write(usage)
      process.exit(0)
    }
    for (const name of positionals) if (!known.includes(name)) throw new Error(`There is no walkthrough ${name}`)
    return positionals.length > 0 ? positionals : known
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    return process.exit(2)
  }
}

function copyProject(to: string): void {
  const filter = (path: string) => !leftOut.includes(basename(path))
  cpSync(projectRoot, to, { recursive: true, preserveTimestamps: true, filter })
  // Packages of a workspace that the others need in another version lie in its own folder.
  for (const folder of ['.', ...workspaces]) {
    const installed = join(projectRoot, folder, 'node_modules')
    if (existsSync(installed)) symlinkSync(installed, join(to, folder, 'node_modules'))
  }
}

function take(step: Step, project: string): void {
  if (step.kind === 'run') {
    const { status, signal } = spawnSync('bash', ['-c', step.command], { cwd: project, stdio: 'inherit' })
    if (status !== 0) throw new Error(`it ended with ${status ?? signal}`)
    return
  }
  const path = join(project, step.file)
  if (step.kind === 'change') {
    writeFileSync(path, applyDiff(readFileSync(path, 'utf8'), step))
  } else {
    if (existsSync(path)) throw new Error('the file is there already')
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, step.content)
  }
}

let passed = 0
let failed = 0

/** Takes the steps on a copy of the project, up to one that fails. */
function follow(title: string, steps: (project: string) => readonly Step[]): void {
  const temporary = mkdtempSync(join(tmpdir(), 'walkthrough-'))
  const project = join(temporary, 'project')
  console.log(`\n== ${title}`)
  try {
    copyProject(project)
    for (const step of steps(project)) {
      console.log(`-- ${step.kind === 'run' ? step.command : `${step.kind} ${step.file}`}`)
      take(step, project)
      passed += 1
    }
  } catch (error) {
    failed += 1
    console.log(`FAILED: ${(error as Error).message}`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

const stepsOf = (name: string) => readSteps(readFileSync(join(folder, `${name}.md`), 'utf8'))

/** The steps that change the project; those that look at it have been taken before. */
const changesOf = (name: string) =>
  stepsOf(name).filter((step) => step.kind !== 'run' || !/^npm (test|run (check|format))\b/.test(step.command))

/** The tests that read every contract, endpoint, setting and table there is, so that each new one is tested or breaks them. */
function findReaders(project: string): string[] {
  const paths = readdirSync(join(project, 'tests'), { recursive: true, encoding: 'utf8' }).map(
    (path) => `tests/${path}`,
  )
  const reads = /support\/endpoints\.ts|src\/contracts\/index\.ts|readConfig|readdirSync|describeTables/
  const isReader = (path: string) =>
    path.endsWith('.test.ts') &&
    !/^tests\/(services|browser|frontends)\//.test(path) &&
    // It looks for lines that the steps have changed by now.
    path !== 'tests/docs/walkthroughs.test.ts' &&
    reads.test(readFileSync(join(project, path), 'utf8'))
  return paths.filter(isReader)
}

const names = readNames()
for (const name of names) follow(`docs/walkthroughs/${name}.md`, () => stepsOf(name))
follow('all of them on one copy', (project) => [
  ...names.flatMap(changesOf),
  { kind: 'run', command: `npm test -- ${findReaders(project).join(' ')}` },
])
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
