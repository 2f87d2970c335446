import { spawnSync } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle, projectRoot } from './bundle.mjs'

/**
 * Brings dist up to date with src. Returns the reason when it cannot, such as a syntax error; then no file of dist has
 * changed, and it still holds the running server.
 */
export async function compile() {
  if (await isClientStale()) {
    const { status } = spawnSync('npm', ['run', '--silent', 'generate'], { cwd: projectRoot, stdio: 'inherit' })
    if (status !== 0) return 'The database client cannot be generated.'
  }
  return bundle({ keepOld: true }).then(
    () => undefined,
    (error) => error.message,
  )
}

async function isClientStale() {
  const schema = join(projectRoot, 'prisma/schema')
  const made = await changedAt(join(projectRoot, 'src/generated/prisma/client.ts')).catch(() => 0)
  const changes = await Promise.all((await readdir(schema)).map((name) => changedAt(join(schema, name))))
  return changes.some((change) => change > made)
}

async function changedAt(file) {
  return (await stat(file)).mtimeMs
}
