import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { envExample, withSettingsTable } from './settings-documents.ts'

const usage = `Usage: npm run settings [-- --check]

Writes .env.example and the table of settings in README.md from the declarations of the settings,
in src/settings and src/features/<name>/settings.ts.

Options:
  --check  write nothing, and fail if one of the files would change
  --help   show this
`

const options = { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

function update(path: string, write: (text: string) => string, check: boolean): boolean {
  const before = readFileSync(path, 'utf8')
  const after = write(before)
  if (before === after) {
    console.log(`${path} is up to date`)
    return true
  }
  if (check) console.error(`${path} does not say what the settings are: run npm run settings, which writes it`)
  else {
    writeFileSync(path, after)
    console.log(`${path} is written`)
  }
  return !check
}

function run(): boolean {
  const { check = false, help } = readOptions()
  if (help) {
    process.stdout.write(usage)
    return true
  }
  return [update('.env.example', envExample, check), update('README.md', withSettingsTable, check)].every(Boolean)
}

function readOptions() {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    return process.exit(2)
  }
}

if (!run()) process.exit(1)
