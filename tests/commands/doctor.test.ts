import { refusalOfCommand, runCommand } from '../support/command.ts'
import { emptyDatabase } from '../support/database.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

interface Finding {
  readonly check: string
  readonly state: string
  readonly finding: string
}

async function examine(settings: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await runCommand({ ...server.settings, ...settings }, ['doctor', '--json'])
  const findings = JSON.parse(stdout) as Finding[]
  const found = (check: string) => findings.find((finding) => finding.check === check)
  return { code, stdout, stderr, found }
}

it('tells what it finds, and how a server sees the client by the public address', async () => {
  const { found } = await examine({ PUBLIC_URL: server.url })
  expect(found('database')).toMatchObject({ state: 'ok', finding: expect.stringMatching(/^PostgreSQL \d+.*UTF8/) })
  expect(found('write access')?.state).toBe('ok')
  expect(found('migrations')?.state).toBe('ok')
  expect(found('clock')?.finding).toMatch(/^the database is \d+ ms /)
  expect(found('client address')).toMatchObject({ state: 'ok', finding: expect.stringContaining('127.0.0.1') })
  expect(found('password hash')?.finding).toMatch(/^\d+ ms .* BCRYPT_COST 4$/)
  expect(found('BCRYPT_COST')?.finding).toBe('4')
})

it('shows no secret', async () => {
  const { stdout, found } = await examine({ EMAIL_HOST_PASSWORD: 'hidden-password', EMAIL_HOST_USER: 'ada' })
  const { SECRET_KEY = '', DATABASE_URL = '' } = server.settings
  for (const secret of [SECRET_KEY, new URL(DATABASE_URL).password, 'hidden-password']) {
    expect(secret).not.toBe('')
    expect(stdout).not.toContain(secret)
  }
  expect(found('SECRET_KEY')?.finding).toBe('set; its value is not shown')
})

it('fails with 2 and says what is wrong: pending migrations, a mail server that does not answer', async () => {
  const { code, stderr, found } = await examine({ DATABASE_URL: await emptyDatabase(), EMAIL_PORT: '1' })
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^2 of \d+ checks failed: see above\n$/)])
  expect(found('migrations')).toMatchObject({
    state: 'failed',
    finding: expect.stringContaining('auth-server migrate'),
  })
  expect(found('mail server')).toMatchObject({ state: 'failed', finding: expect.stringContaining('ECONNREFUSED') })
})

it('counts a server that does not answer, or has another key, as unknown', async () => {
  const nowhere = await examine({ PUBLIC_URL: 'http://localhost:1' })
  expect(nowhere.found('client address')).toMatchObject({
    state: 'unknown',
    finding: expect.stringMatching(/^no server/),
  })
  const other = await examine({ PUBLIC_URL: server.url, SECRET_KEY: 'Zx81kQv0pLw7-mN4tRb2yHs6uJc9eFa3dGg5' })
  expect(other.found('client address')?.finding).toMatch(/another SECRET_KEY$/)
})

it('tells a client without the token nothing of its address', async () => {
  for (const token of ['', 'x', '99999999999.'.padEnd(55, 'A')]) {
    const { body } = await server.raw('GET', '//healthz').set('Auth-Operator', token)
    expect(body).toEqual({ status: 'ok' })
  }
  expect(await refusalOfCommand(server, ['doctor', 'x'])).toMatch(/Too many arguments/)
})
