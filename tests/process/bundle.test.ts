import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endProcesses, givenFolder } from '../support/process.ts'

afterEach(endProcesses)

const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const [, flags = ''] = readFileSync(join(projectRoot, 'bin/auth-server'), 'utf8').match(/ -S node (.*)$/m) ?? []

/** A copy of the built server that loads its libraries from the project. */
async function givenBuild() {
  const project = await givenFolder()
  for (const name of ['dist', 'package.json']) cpSync(join(projectRoot, name), join(project, name), { recursive: true })
  symlinkSync(join(projectRoot, 'node_modules'), join(project, 'node_modules'))
  const path = join(project, 'dist/server.cjs')
  const describeApi = () =>
    execFileSync(process.execPath, [...flags.split(' '), join(project, 'dist/start.cjs'), 'openapi'], {
      encoding: 'utf8',
    })
  return { path, describeApi }
}

describe('the code cache', () => {
  it('is taken over by V8 with the flags of bin/auth-server', () => {
    const program = `
      const { readFileSync } = require('node:fs')
      const cachedData = readFileSync('dist/server.code-cache').subarray(32)
      const source = require('node:module').wrap(readFileSync('dist/server.cjs', 'latin1'))
      console.log(new (require('node:vm').Script)(source, { cachedData }).cachedDataRejected)`
    const { stdout } = spawnSync(process.execPath, [...flags.split(' '), '-e', program], {
      cwd: projectRoot,
      encoding: 'utf8',
    })
    expect(stdout.trim()).toBe('false')
  })

  it('is not used for a server of other code, even if that is as long', async () => {
    const { path, describeApi } = await givenBuild()
    expect(describeApi()).toContain('Making an account')
    writeFileSync(path, readFileSync(path, 'latin1').replaceAll('Making an account', 'Faking an account'), 'latin1')
    expect(describeApi()).toContain('Faking an account')
  })
})
