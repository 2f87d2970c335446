import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The files of a server without a DATA_DIR, and the names that tests use; other commands of this project clean up after
 * themselves.
 */
const ours = /^(\.data|auth-(?!(tests|conformance|bench|timing)-).*)$/

/** The files that programs of this account have put into this temporary folder, /tmp and the folder of Jest. */
export async function findLeftovers(temporary: string): Promise<string[]> {
  const places = [...new Set(['/tmp', temporary, process.cwd()])]
  const found = await Promise.all(places.map(async (place) => (await readdir(place)).map((name) => join(place, name))))
  const named = found.flat().filter((path) => ours.test(path.slice(path.lastIndexOf('/') + 1)))
  const owners = await Promise.all(named.map(async (path) => (await stat(path).catch(() => undefined))?.uid))
  return named.filter((_, index) => owners[index] === process.getuid?.())
}
