// Runs the Postman collection with newman against a new server: npm run test:postman
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { endProcesses, givenFolder, startProcess } from '../support/process.ts'

interface Count {
  readonly total: number
  readonly failed: number
}

interface Report {
  readonly run: {
    readonly stats: { readonly requests: Count; readonly assertions: Count }
    /** Assertions, scripts and requests that failed. */
    readonly failures: readonly unknown[]
  }
}

const newman = 'tests/frontends/node_modules/.bin/newman'

try {
  const folder = await givenFolder()
  const server = startProcess({ DATA_DIR: join(folder, 'data') })
  const reportPath = join(folder, 'report.json')
  const collection = ['run', 'docs/postman_collection.json', '--environment', 'docs/postman_environment.json']
  const address = ['--env-var', `base_url=${await server.ready}`]
  const reporters = ['--reporters', 'cli,json', '--reporter-json-export', reportPath]
  const { error } = spawnSync(newman, [...collection, ...address, ...reporters], { stdio: 'inherit' })
  if (error) throw error
  const { stats, failures } = (JSON.parse(readFileSync(reportPath, 'utf8')) as Report).run
  console.log(`\n${stats.requests.total} requests`)
  console.log(`${stats.assertions.total - stats.assertions.failed} passed, ${failures.length} failed`)
  if (failures.length > 0) process.exitCode = 1
} finally {
  await endProcesses()
}
