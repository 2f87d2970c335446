// Refuses dependencies with known holes: node .ci/safe-versions.mjs, a part of npm run check
import { readFile } from 'node:fs/promises'

/** The first versions that are known to be safe. */
const floors = { nodemailer: '10.4.1', 'express-rate-limit': '8.3.0', 'body-parser': '2.3.0', jws: '4.0.1' }
const nodeFloor = '20.20.0'

const lock = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8'))
const problems = []
for (const [name, floor] of Object.entries(floors)) {
  const found = Object.entries(lock.packages).filter(([path]) => path.endsWith(`node_modules/${name}`))
  if (found.length === 0) problems.push(`${name} is not in package-lock.json any more: remove its floor`)
  for (const [path, { version }] of found) {
    if (isBelow(version, floor)) problems.push(`${path} is ${version}, which has a known hole: take ${floor} or later`)
  }
}
const supported = lock.packages[''].engines.node.replace('>=', '')
if (isBelow(supported, nodeFloor)) problems.push(`engines.node allows ${supported}: demand ${nodeFloor} or later`)
if (isBelow(process.versions.node, nodeFloor))
  problems.push(`this is Node ${process.versions.node}: take ${nodeFloor} or later`)

if (problems.length > 0) process.stderr.write(`${problems.join('\n')}\n`)
process.exitCode = problems.length > 0 ? 1 : 0

function isBelow(version, floor) {
  return version.localeCompare(floor, 'en', { numeric: true }) < 0
}
