import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { times } from '../support/answers.ts'
import { freshDatabase } from '../support/database.ts'
import { exchange } from '../support/exchange.ts'
import { randomUser } from '../support/fixtures.ts'
import { endProcesses, givenFolder, processKey, startProcess } from '../support/process.ts'

afterEach(endProcesses)

const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const [, flags = ''] = readFileSync(join(projectRoot, 'bin/auth-server'), 'utf8').match(/ node (.*)$/m) ?? []

/** A copy of the built server that loads its libraries from the project. */
async function givenBuild() {
  const project = await givenFolder()
  for (const name of ['dist', 'package.json', 'data', 'prisma/migrations']) {
    cpSync(join(projectRoot, name), join(project, name), { recursive: true })
  }
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

describe('passwords that wait', () => {
  const warning = 'passwords are compared one after the other'

  /** The output of a built server after logins at once, every second one with a wrong password. */
  async function outputAfterLogins(project: string): Promise<string> {
    const settings = { ...processKey, DATABASE_URL: await freshDatabase(), RATE_LIMITS: 'off', BCRYPT_COST: '8' }
    const server = startProcess(settings, { program: [join(project, 'dist/start.cjs')], args: ['serve'] })
    const url = await server.ready
    const send = (path: string, body: object) =>
      exchange(url, `/api/v1/auth/${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
    // Many more than there are cores, so that some wait.
    const users = Array.from({ length: 4 * availableParallelism() }, randomUser)
    for (const user of users) expect((await send('register_credentials', user)).status).toBe(201)
    const answers = await times(users.length, (index) => {
      const { username = '', password = '' } = users[index] ?? {}
      return send('login_credentials', { username, password: index % 2 === 0 ? password : `${password}x` })
    })
    expect(answers.map(({ status }) => status)).toEqual(users.map((_, index) => (index % 2 === 0 ? 200 : 401)))
    server.kill('SIGTERM')
    await server.exit
    return server.stdout() + server.stderr()
  }

  it('are compared two at once by the built server', async () => {
    expect(await outputAfterLogins(projectRoot)).not.toContain(warning)
  })

  it('are compared one after the other where the code of the threads is missing, and the log says so', async () => {
    const { project } = await givenBuild()
    rmSync(join(project, 'dist/platform'), { recursive: true })
    expect(await outputAfterLogins(project)).toContain(warning)
  })
})
