import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What the server makes where it was given no DATA_DIR, and the names that tests give; other commands of this project clear up after themselves. */
const ours = /^(\.data|auth-(?!(tests|conformance|bench|timing)-).*)$/

/** What programs of this account have put where they were given no other place: in this temporary folder, in /tmp and in the folder of Jest. */
export async function findLeftovers(temporary: string): Promise<string[]> {
  const places = [...new Set(['/tmp', temporary, process.cwd()])]
  const found = await Promise.all(places.map(async (place) => (await readdir(place)).map((name) => join(place, name))))
  const named = found.flat().filter((path) => ours.test(path.slice(path.lastIndexOf('/') + 1)))
  const owners = await Promise.all(named.map(async (path) => (await stat(path).catch(() => undefined))?.uid))
  return named.filter((_, index) => owners[index] === process.getuid?.())
}
