import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endProcesses, givenFolder } from '../support/process.ts'

afterEach(endProcesses)

const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const [, flags = ''] = readFileSync(join(projectRoot, 'bin/auth-server'), 'utf8').match(/ node (.*)$/m) ?? []

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
  return { project, path, describeApi }
}

it('the first line of bin/auth-server is as short as the kernels of older systems need it', () => {
  const [line = ''] = readFileSync(join(projectRoot, 'bin/auth-server'), 'utf8').split('\n')
  expect(line.length).toBeLessThanOrEqual(127)
})

it('bin/auth-server lets the C library give memory back that is freed', () => {
  const print = 'console.log(process.env.MALLOC_ARENA_MAX,process.env.MALLOC_TRIM_THRESHOLD_)'
  const env = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${print}` }
  const output = execFileSync(join(projectRoot, 'bin/auth-server'), ['--help'], { env, encoding: 'utf8' })
  expect(output).toMatch(/^1 131072$/m)
})

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

describe('the stack of an error', () => {
  /** Of an error that is thrown to the function main of the bundle. */
  function stackIn(project: string): string {
    const program = `
      const words = { get length() { throw new Error('thrown at main') } }
      require('./dist/load-bundle.cjs').loadBundle().main(words).catch((error) => console.log(error.stack))`
    const { stdout } = spawnSync(process.execPath, ['-e', program], { cwd: project, encoding: 'utf8' })
    return stdout
  }

  it('names the lines of the TypeScript', () => {
    expect(stackIn(projectRoot)).toMatch(/^Error: thrown at main\n.*[\\/]src[\\/]main\.ts:\d+:\d+\)/s)
  })

  it('names those of the bundle where the source map is gone', async () => {
    const { project, path } = await givenBuild()
    rmSync(`${path}.map`)
    expect(stackIn(project)).toMatch(/^Error: thrown at main\n.*[\\/]dist[\\/]server\.cjs:\d+:\d+\)/s)
  })
})
