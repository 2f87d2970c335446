import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

interface WrittenFile {
  readonly path: string
  /** The text that the file should have. */
  readonly write: (before: string) => string
}

interface WrittenFiles {
  readonly usage: string
  readonly files: readonly WrittenFile[]
  /** Said of a file that differs, behind its path. */
  readonly remedy: string
}

const options = { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const

/** A program that writes files which follow from the sources. With `--check` it writes nothing, and fails when one would change. */
export function runWriter({ usage, files, remedy }: WrittenFiles): void {
  const { check = false, help } = readOptions(usage)
  if (help) {
    process.stdout.write(usage)
    return
  }
  for (const { path, write } of files) {
    const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const after = write(before)
    if (before === after) {
      console.log(`${path} is up to date`)
    } else if (check) {
      console.error(`${path} ${remedy}`)
      process.exitCode = 1
    } else {
      writeFileSync(path, after)
      console.log(`${path} is written`)
    }
  }
}

function readOptions(usage: string) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    return process.exit(2)
  }
}
