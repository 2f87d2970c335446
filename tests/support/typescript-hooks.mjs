import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { transform } from '@swc/core'

const options = {
  module: { type: 'es6' },
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  sourceMaps: 'inline',
  configFile: false,
  swcrc: false,
}

/** A loader hook of Node, which returns the source of a module. */
export async function load(url, context, loadNext) {
  const { protocol, pathname } = new URL(url)
  if (protocol !== 'file:' || !/\.m?ts$/.test(pathname)) return loadNext(url, context)
  // A query makes a separate module of the same file.
  const filename = fileURLToPath(new URL(pathname, url))
  const { code } = await transform(await readFile(filename, 'utf8'), { ...options, filename })
  return { format: 'module', source: code, shortCircuit: true }
}
