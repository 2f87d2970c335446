import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformFile } from '@swc/core'

export const projectRoot = fileURLToPath(new URL('..', import.meta.url))
const source = join(projectRoot, 'src')
const output = join(projectRoot, 'dist')

/** The options to compile one file as tsc does, in milliseconds and without types, which are checked beside it. */
const options = {
  module: { type: 'es6' },
  jsc: { target: 'es2022', parser: { syntax: 'typescript' }, rewriteRelativeImportExtensions: true },
  sourceMaps: true,
  configFile: false,
  swcrc: false,
}

/**
 * Brings dist up to date with src. Returns the reason when it cannot, such as a syntax error; then no file of dist has
 * changed, and it still holds the running server.
 */
export async function compile() {
  if (await needsWholeBuild()) {
    const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: projectRoot, stdio: 'inherit' })
    return status === 0 ? undefined : 'The build failed.'
  }
  const files = await filesBelow(source)
  const stale = await staleOf(files)
  try {
    const compiled = await Promise.all(stale.filter(isTypeScript).map(compileFile))
    await Promise.all(compiled.map(write))
  } catch (error) {
    // The text behind it is about the compiler and not about the file.
    return error.message.split(/\n+Caused by:/)[0].trim()
  }
  await Promise.all(stale.filter((file) => !isTypeScript(file)).map(copy))
  await removeOrphans(files)
  return undefined
}

const isTypeScript = (file) => file.endsWith('.ts')

/** The database client and the entry in CommonJS are made by tools of their own. */
async function needsWholeBuild() {
  const schemas = await filesBelow(join(projectRoot, 'prisma/schema'))
  const [entry, client] = [join(output, 'start.cjs'), join(source, 'generated/prisma/client.ts')]
  const pairs = [[join(source, 'start.cts'), entry], ...schemas.map((schema) => [schema, client])]
  const stale = await Promise.all(pairs.map(([from, to]) => isStale(from, to)))
  return stale.includes(true)
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function staleOf(files) {
  const candidates = files.filter((file) => !file.endsWith('.cts'))
  const stale = await Promise.all(candidates.map((file) => isStale(file, outputOf(file))))
  return candidates.filter((_file, index) => stale[index])
}

async function isStale(from, to) {
  const [made, changed] = await Promise.all([stat(to).catch(() => undefined), stat(from)])
  return !made || made.mtimeMs < changed.mtimeMs
}

function outputOf(file) {
  return join(output, relative(source, file).replace(/\.ts$/, '.js'))
}

async function compileFile(file) {
  const target = outputOf(file)
  const { code, map } = await transformFile(file, { ...options, sourceFileName: relative(dirname(target), file) })
  return { target, code, map }
}

async function write({ target, code, map }) {
  const name = target.slice(target.lastIndexOf('/') + 1)
  await mkdir(dirname(target), { recursive: true })
  await Promise.all([writeFile(target, `${code}//# sourceMappingURL=${name}.map\n`), writeFile(`${target}.map`, map)])
}

async function copy(file) {
  const target = outputOf(file)
  await mkdir(dirname(target), { recursive: true })
  await copyFile(file, target)
}

/** Otherwise an import of a file that was renamed would still find it under its old name. */
async function removeOrphans(files) {
  const wanted = new Set(files.map(outputOf))
  const compiled = (await filesBelow(output)).filter((file) => file.endsWith('.js') && !wanted.has(file))
  await Promise.all(compiled.flatMap((file) => [file, `${file}.map`]).map((file) => rm(file, { force: true })))
}
