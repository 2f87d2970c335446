import { cp, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const leftOut = ['.git', '.data', '.env', 'coverage', 'node_modules']

/** Copies the project, with what was built of it, into the folder, so that a test can change its files. */
export async function copyProject(folder: string): Promise<string> {
  const copy = join(folder, 'project')
  await cp(projectRoot, copy, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !leftOut.includes(basename(path)),
  })
  await symlink(join(projectRoot, 'node_modules'), join(copy, 'node_modules'))
  return copy
}
