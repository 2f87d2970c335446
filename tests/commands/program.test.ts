import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { program, runCommand } from '../support/command.ts'
import { endProcesses, givenFolder, processKey } from '../support/process.ts'

afterEach(endProcesses)

const packageFile = new URL('../../package.json', import.meta.url)

const groups = ['import', 'users', 'sessions', 'mails', 'events', 'keys']
const commands = [
  ...['serve', 'migrate', 'doctor', 'createsuperuser', 'openapi'],
  ...['list', 'show', 'disable', 'enable', 'promote', 'reset-password', 'delete'].map((name) => `users ${name}`),
  ...['list', 'revoke'].map((name) => `sessions ${name}`),
  ...['list', 'show', 'retry'].map((name) => `mails ${name}`),
  ...['list', 'follow'].map((name) => `events ${name}`),
  'import django',
  ...['show', 'new'].map((name) => `keys ${name}`),
]

it('explains itself and names its version', async () => {
  const help = await runCommand({}, ['--help'])
  expect([help.code, help.stderr]).toEqual([0, ''])
  for (const name of [...groups, ...commands])
    expect(help.stdout).toMatch(new RegExp(`^ +${name.split(' ')[0]}\\b`, 'm'))
  expect(help.stdout).toContain('.env.example')
  const { version } = JSON.parse(await readFile(packageFile, 'utf8'))
  expect(await runCommand({}, ['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

it.each([...groups, ...commands])('%s --help has examples', async (name) => {
  const { code, stdout } = await runCommand({}, [...name.split(' '), '--help'])
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`\\nExamples:\n  auth-server ${name}\\b`))
})

it.each([
  [['mirgate']],
  [['--port=80']],
  [['migrate', 'now']],
  [['keys', 'show', 'v1']],
  [['users', 'shwo']],
  [['serve', 'x']],
  [['openapi', 'v9']],
])('refuses words that it does not know in one sentence: %j', async (args) => {
  const { code, stdout, stderr } = await runCommand({}, args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^[A-Z].* Add --help to see how it is called\n$/)
})

it('names all that is wrong with the settings, without a value', async () => {
  const { code, stdout, stderr } = await runCommand({ PORT: 'eighty', NODE_ENV: 'production' }, ['users', 'list'])
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/PORT must be[\s\S]*DATABASE_URL must be set/)
  expect(stderr).not.toMatch(/eighty|^ +at /m)
})

it('prints whole documents, and no stack for a reader that ends early', async () => {
  const whole = await runCommand(processKey, ['openapi'])
  expect(JSON.parse(whole.stdout).openapi).toBe('3.1.0')
  expect(whole.stdout.length).toBeGreaterThan(65_536)

  const child = spawn(program, ['openapi'], { env: { PATH: process.env.PATH ?? '', ...processKey } })
  child.stdout.destroy()
  let complaint = ''
  child.stderr.on('data', (text) => {
    complaint += text
  })
  const [code] = await once(child, 'close')
  expect([code, complaint]).toEqual([0, ''])
})

it('says in one sentence that there is no build', async () => {
  const folder = await givenFolder()
  await mkdir(join(folder, 'bin'))
  await cp(program, join(folder, 'bin/auth-server'))
  await cp(packageFile, join(folder, 'package.json'))
  const run = promisify(execFile)(join(folder, 'bin/auth-server'), ['users', 'list'])
  await expect(run).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^There is no build .*npm ci.*\n$/),
  })
})
