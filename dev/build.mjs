import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { bundle, projectRoot } from './bundle.mjs'

/** V8 takes compiled code only where its flags are the same. */
const [, flags] = readFileSync(`${projectRoot}bin/auth-server`, 'utf8').match(/^#!.* node (.*)$/m) ?? []

try {
  if (!flags) throw new Error('The first line of bin/auth-server does not say with which flags it starts node')
  await bundle({ keepOld: false })
  const { status } = spawnSync(process.execPath, [...flags.split(' '), `${projectRoot}dev/code-cache.mjs`], {
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('The built server cannot be loaded')
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
