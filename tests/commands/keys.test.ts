import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../support/command.ts'
import { accessTokenKeyOf } from '../support/forgery.ts'
import { endProcesses, givenFolder } from '../support/process.ts'

afterEach(endProcesses)

const [one, two] = ['Zx81kQv0pLw7-mN4tRb2yHs6uJc9eFa3dGg5', 'Yw70jPu9oKv6-lM3sQa1xGr5tIb8dEz2cFf4'] as const

describe('keys show', () => {
  it('prints the keys that verify access tokens and nothing else', async () => {
    const keys = [one, two].map((SECRET_KEY) => accessTokenKeyOf({ SECRET_KEY }))
    const printed = { code: 0, stdout: `${keys.join('\n')}\n`, stderr: '' }
    expect(await runCommand({ SECRET_KEY: `${one},${two}` }, ['keys', 'show'])).toEqual(printed)
    const asJson = await runCommand({ SECRET_KEY: `${one},${two}` }, ['keys', 'show', '--json'])
    expect(JSON.parse(asJson.stdout)).toEqual({ access_token_keys: keys })

    const given = await runCommand({ SECRET_KEY: one, ACCESS_TOKEN_KEY: two }, ['keys', 'show'])
    expect(given).toEqual({ code: 0, stdout: `${two}\n`, stderr: '' })
  })

  it('prints the key of the data directory where none is given, the same each time', async () => {
    const DATA_DIR = join(await givenFolder(), 'data')
    const first = await runCommand({ DATA_DIR }, ['keys', 'show'])
    const SECRET_KEY = (await readFile(join(DATA_DIR, 'secret-key'), 'utf8')).trim()
    expect(first).toEqual({ code: 0, stdout: `${accessTokenKeyOf({ SECRET_KEY })}\n`, stderr: '' })
    expect(await runCommand({ DATA_DIR }, ['keys', 'show'])).toEqual(first)
  })

  it('refuses the secret key of the data directory as access token key', async () => {
    const DATA_DIR = join(await givenFolder(), 'data')
    expect((await runCommand({ DATA_DIR }, ['keys', 'show'])).code).toBe(0)
    const ACCESS_TOKEN_KEY = (await readFile(join(DATA_DIR, 'secret-key'), 'utf8')).trim()
    expect(await runCommand({ DATA_DIR, ACCESS_TOKEN_KEY }, ['keys', 'show'])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^ACCESS_TOKEN_KEY must not hold /),
    })
  })
})

it('keys new prints another key each time, which the settings accept', async () => {
  const [first, second] = await Promise.all([runCommand({}, ['keys', 'new']), runCommand({}, ['keys', 'new'])])
  expect(first.stdout).toMatch(/^[\w-]{64}\n$/)
  expect(first.stdout).not.toBe(second.stdout)
  expect((await runCommand({ SECRET_KEY: first.stdout.trim(), NODE_ENV: 'development' }, ['keys', 'show'])).code).toBe(
    0,
  )
})
