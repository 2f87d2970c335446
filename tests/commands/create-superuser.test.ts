import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { eventsOf, program, refusalOfCommand, runCommand } from '../support/command.ts'
import { randomUser } from '../support/fixtures.ts'
import { until } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ EMAIL_VERIFICATION: 'required' })
})
afterAll(() => server.close())

/** Logs in, and returns the profile that the login answers with. */
async function logInAs({ username, password }: { username: string; password: string }) {
  const { status, body } = await server.send('POST', '/login_credentials', { body: { username, password } })
  expect(status).toBe(200)
  return body.user
}

async function givenSuperuser(username: string): Promise<void> {
  const args = ['createsuperuser', '--username', username, '--email', `${username}@example.com`, '--password-stdin']
  expect((await runCommand(server.settings, args, 'correct horse battery')).code).toBe(0)
}

const superuser = { is_superuser: true, is_staff: true, email_verified: true, account_status: 'active' }

it.each(['AUTH', 'DJANGO'])('takes all from %s_SUPERUSER_… with --noinput', async (prefix) => {
  const user = randomUser()
  const environment = {
    [`${prefix}_SUPERUSER_USERNAME`]: user.username,
    [`${prefix}_SUPERUSER_EMAIL`]: user.email.toUpperCase(),
    [`${prefix}_SUPERUSER_PASSWORD`]: user.password,
  }
  const args = ['createsuperuser', '--noinput', '--as', 'grace', '--json']
  const { code, stdout } = await runCommand({ ...server.settings, ...environment }, args)
  expect(code).toBe(0)
  const { id } = JSON.parse(stdout)
  expect(await logInAs(user)).toMatchObject({ ...superuser, id, email: user.email })
  expect((await eventsOf(server, id)).slice(0, 2)).toEqual([
    { type: 'user_registered', details: { operator: 'grace' } },
    { type: 'roles_changed', details: { staff: true, superuser: true, operator: 'grace' } },
  ])
})

it('reads the password from standard input', async () => {
  const user = randomUser()
  const args = ['createsuperuser', '--username', user.username, '--email', user.email, '--password-stdin']
  expect((await runCommand(server.settings, args, user.password)).code).toBe(0)
  expect(await logInAs(user)).toMatchObject(superuser)
})

it('is beside a command that creates users without roles', async () => {
  const user = randomUser()
  const args = ['users', 'create', '--username', user.username, '--email', user.email, '--password-stdin']
  const { code, stdout } = await runCommand(server.settings, [...args, '--as', 'grace', '--json'], user.password)
  expect(code).toBe(0)
  const { id } = JSON.parse(stdout)
  const plain = { is_superuser: false, is_staff: false, email_verified: true, account_status: 'active' }
  expect(await logInAs(user)).toMatchObject({ ...plain, id, email: user.email })
  expect((await eventsOf(server, id))[0]).toEqual({ type: 'user_registered', details: { operator: 'grace' } })
  const again = await refusalOfCommand(server, args)
  expect(again).toMatch(/username/i)
  const environment = { ...server.settings, AUTH_SUPERUSER_USERNAME: randomUser().username }
  expect(await runCommand(environment, ['users', 'create'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^There is no username: add --username\n$/),
  })
})

it('has no option that takes a password', async () => {
  const { code } = await runCommand(server.settings, ['createsuperuser', '--password', 'correct horse battery'])
  expect(code).toBe(2)
})

it('refuses what a registration refuses, in one sentence, and creates no user', async () => {
  await givenSuperuser('grace')
  const { username, email } = randomUser()
  const attempts: [username: string, email: string, password: string, why: RegExp][] = [
    ['GRACE', email, 'correct horse battery', /username is taken/],
    [username, 'Grace@Example.com', 'correct horse battery', /has an account already/],
    ['a b', email, 'correct horse battery', /^The username is refused: may hold letters/],
    [username, 'nowhere', 'correct horse battery', /^The address is refused: must be an e-mail address/],
    ['other@example.com', email, 'correct horse battery', /must be the account's own/],
    [username, email, 'password1', /password: is one of the passwords that are tried first/],
    [username, email, `${username}1`, /too similar to the username/],
    [username, email, '', /holds no password/],
  ]
  for (const [name, address, password, why] of attempts) {
    const args = ['createsuperuser', '--username', name, '--email', address, '--password-stdin']
    expect(await refusalOfCommand(server, args, password)).toMatch(why)
  }
  expect(await refusalOfCommand(server, ['users', 'show', username])).toMatch(/^There is no user/)
})

it('names what is missing where no person can be asked', async () => {
  expect(await refusalOfCommand(server, ['createsuperuser', '--noinput'])).toMatch(/--username, or set AUTH_SUPERUSER_/)
  const { username, email } = randomUser()
  expect(await refusalOfCommand(server, ['createsuperuser', '--username', username, '--email', email])).toMatch(
    /--password-stdin/,
  )
})

it('asks a person as Django does, again where an answer is refused, and shows no password', async () => {
  await givenSuperuser('alan')
  const user = randomUser()
  // `script` gives the command a terminal.
  const { PATH = '' } = process.env
  const child = spawn('script', ['--quiet', '--return', '--command', `${program} createsuperuser`, '/dev/null'], {
    cwd: tmpdir(),
    env: { PATH, TERM: 'dumb', SHELL: '/bin/sh', ...server.settings },
  })
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen += text
  })
  let read = 0
  const answer = async (question: string, line: string) => {
    await until(async () => seen.indexOf(question, read) >= 0)
    read = seen.indexOf(question, read) + question.length
    child.stdin.write(`${line}\r`)
  }
  await answer('Username: ', 'alan')
  await answer('Username: ', user.username)
  await answer('Email address: ', 'nowhere')
  await answer('Email address: ', user.email)
  await answer('Password: ', 'short')
  await answer('Password (again): ', 'short')
  await answer('Password: ', user.password)
  await answer('Password (again): ', 'something else')
  await answer('Password: ', user.password)
  await answer('Password (again): ', user.password)
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  expect(seen).toMatch(/at least 8 characters[\s\S]*two passwords differ[\s\S]*is created/)
  expect(seen).not.toContain(user.password)
  expect(await logInAs(user)).toMatchObject(superuser)
})
