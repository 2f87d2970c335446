import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerProcess } from '../support/process.ts'
import { endProcesses, givenFolder, startProcess } from '../support/process.ts'

afterEach(endProcesses)

const [loader = '', script = ''] = ['tests/support/typescript.mjs', 'dev/seed.ts'].map((path) =>
  fileURLToPath(new URL(`../../${path}`, import.meta.url)),
)

function startSeed(settings: Readonly<Record<string, string>>, args: readonly string[] = []): ServerProcess {
  return startProcess(settings, { program: ['--import', loader, script], args })
}

async function seed(DATA_DIR: string): Promise<string> {
  const run = startSeed({ DATA_DIR })
  expect([await run.exit, run.stderr()]).toEqual([0, ''])
  expect(run.stdout()).toMatch(/^10 of 100 users\n[\s\S]*\n100 of 100 users\n/)
  return run.stdout()
}

interface Seen {
  readonly sessions: number
  readonly verified: boolean
}

/** Logs in with the name and the password that the command printed. */
async function logIn(address: string, printed: string): Promise<Seen> {
  const [, username, password] = /^Log in as (\S+) .* is: (.+)$/m.exec(printed) ?? []
  const login = await fetch(`${address}/api/v1/auth/login_credentials`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  expect(login.status).toBe(200)
  const { access_token, user } = (await login.json()) as { access_token: string; user: { email_verified: boolean } }
  const headers = { Authorization: `Bearer ${access_token}` }
  const sessions = (await (await fetch(`${address}/api/v1/auth/sessions`, { headers })).json()) as { total: number }
  return { sessions: sessions.total, verified: user.email_verified }
}

async function mailsAt(address: string): Promise<readonly { to: string; subject: string }[]> {
  const { mails } = (await (await fetch(`${address}/mailbox.json`)).json()) as {
    mails: { to: string; subject: string }[]
  }
  return mails
}

it('adds a hundred users without a server, and says the next time that they are there', async () => {
  const DATA_DIR = join(await givenFolder(), 'data')
  const printed = await seed(DATA_DIR)
  expect(printed).toMatch(/^100 users have been added/m)

  const server = startProcess({ DATA_DIR })
  const address = await server.ready
  // The session of the registration, and that of this login.
  expect(await logIn(address, printed)).toEqual({ sessions: 2, verified: true })

  expect(await seed(DATA_DIR)).toMatch(/^100 users were there already/m)
  expect(await logIn(address, printed)).toEqual({ sessions: 3, verified: true })
})

it('adds users, sessions and mails while the server runs', async () => {
  const DATA_DIR = join(await givenFolder(), 'data')
  const server = startProcess({ DATA_DIR })
  const address = await server.ready
  const printed = await seed(DATA_DIR)
  expect(await logIn(address, printed)).toEqual({ sessions: 2, verified: true })
  const mails = await mailsAt(address)
  expect(new Set(mails.map(({ to }) => to)).size).toBe(100)
  expect(mails.filter(({ subject }) => /reset/i.test(subject))).toHaveLength(10)
  expect((await fetch(`${address}/readyz`)).status).toBe(200)
})

it.each([
  [{ NODE_ENV: 'production' }, /^NODE_ENV is production\. .*\n$/],
  [{ EMAIL_HOST: 'mail.example.com', DEFAULT_FROM_EMAIL: 'auth@example.com' }, /^EMAIL_HOST is set, .*\n$/],
  [{ PORT: 'eighty' }, /PORT must be/],
])('changes nothing with %j', async (settings, told) => {
  const DATA_DIR = join(await givenFolder(), 'data')
  const run = startSeed({ DATA_DIR, ...settings })
  expect(await run.exit).toBe(1)
  expect(run.stderr()).toMatch(told)
  expect(run.stdout()).toBe('')
})

it('explains itself', async () => {
  const help = startSeed({}, ['--help'])
  expect([await help.exit, help.stdout()]).toEqual([0, expect.stringMatching(/^Usage: npm run seed\n/)])
  const unknown = startSeed({}, ['--users=7'])
  expect([await unknown.exit, unknown.stderr()]).toEqual([2, expect.stringMatching(/\nUsage: npm run seed\n/)])
})
