import { runSql } from '../support/catalog.ts'
import { catchUp, eventsOf, operate, refusalOfCommand, runCommand } from '../support/command.ts'
import { emptyDatabase } from '../support/database.ts'
import { givenResetToken, givenUser, randomUser } from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const sessionStatus = async (token: string) => (await server.send('GET', '/session', { token })).status
const loginStatus = async ({ username, password }: { username: string; password: string }) =>
  (await server.send('POST', '/login_credentials', { body: { username, password } })).status
const columnsOf = async (id: number) =>
  (await runSql(server.settings.DATABASE_URL ?? '', `SELECT * FROM users WHERE id = ${id}`))[0]

describe('users disable', () => {
  it('ends all sessions at once and keeps the user out, until users enable, which brings no session back', async () => {
    const user = await givenUser(server)
    const resetToken = await givenResetToken(server, user)
    expect(await sessionStatus(user.access_token)).toBe(200)

    expect(await operate(server, 'users', 'disable', user.username, '--as', 'grace')).toBe(
      `${user.username} (id:${user.id}) is disabled, and all sessions have ended.\n`,
    )
    expect(await sessionStatus(user.access_token)).toBe(401)
    expect(await loginStatus(user)).toBe(401)

    await operate(server, 'users', 'enable', user.email)
    expect(await sessionStatus(user.access_token)).toBe(401)
    const body = { token: resetToken, new_password: 'another battery staple' }
    expect((await server.send('POST', '/reset_password', { body })).status).toBe(400)
    expect(await loginStatus(user)).toBe(200)
  })

  it('records the change and the ended sessions with the name of the operator', async () => {
    const user = await givenUser(server)
    await operate(server, 'users', 'disable', user.username, '--as', 'grace')
    await operate(server, 'users', 'enable', `id:${user.id}`, '--as', 'alan')
    expect((await eventsOf(server, user.id)).slice(-3)).toEqual([
      { type: 'sessions_ended', details: { reason: 'user_disabled', count: 1, operator: 'grace' } },
      { type: 'user_disabled', details: { operator: 'grace' } },
      { type: 'user_enabled', details: { operator: 'alan' } },
    ])
  })

  it('changes and records nothing the second time', async () => {
    const user = await givenUser(server)
    await operate(server, 'users', 'disable', user.username)
    const before = await eventsOf(server, user.id)
    expect(await operate(server, 'users', 'disable', user.username, '--json')).toBe(
      `${JSON.stringify({ id: user.id, username: user.username, changed: false })}\n`,
    )
    expect(await eventsOf(server, user.id)).toEqual(before)
  })
})

describe('users promote', () => {
  it('gives roles and takes them away, which shows at the next request', async () => {
    const { id, username, access_token: token } = await givenUser(server)
    const roles = async () => {
      const { is_staff, is_superuser, is_practitioner } = (await server.send('GET', '/profile', { token })).body
      return { is_staff, is_superuser, is_practitioner }
    }
    await operate(server, 'users', 'promote', username, '--superuser', '--as', 'grace')
    expect(await roles()).toEqual({ is_staff: true, is_superuser: true, is_practitioner: false })
    await operate(server, 'users', 'promote', username, '--no-superuser', '--practitioner', '--as', 'grace')
    expect(await roles()).toEqual({ is_staff: true, is_superuser: false, is_practitioner: true })
    expect((await eventsOf(server, id)).slice(-2)).toEqual([
      { type: 'roles_changed', details: { staff: true, superuser: true, operator: 'grace' } },
      { type: 'roles_changed', details: { superuser: false, practitioner: true, operator: 'grace' } },
    ])
  })

  it('wants a role', async () => {
    const { username } = await givenUser(server)
    expect(await refusalOfCommand(server, ['users', 'promote', username])).toMatch(/^Name a role: --superuser/)
  })
})

describe('users reset-password', () => {
  it('mails a link that sets a new password', async () => {
    const user = await givenUser(server)
    await operate(server, 'users', 'reset-password', user.username, '--as', 'grace')
    catchUp(server)
    const mail = (await server.mails()).findLast(({ recipient }) => recipient === user.email)
    expect(mail?.subject).toMatch(/reset/i)
    const token = /token=([\w-]{43})/.exec(mail?.text ?? '')?.[1]
    const body = { token, new_password: 'another battery staple' }
    expect((await server.send('POST', '/reset_password', { body })).status).toBe(200)
    expect(await loginStatus({ ...user, password: body.new_password })).toBe(200)
    expect(await eventsOf(server, user.id)).toContainEqual({
      type: 'password_reset_requested',
      details: { operator: 'grace' },
    })
  })

  it('mails nothing to a disabled user', async () => {
    const { username } = await givenUser(server)
    await operate(server, 'users', 'disable', username)
    expect(await refusalOfCommand(server, ['users', 'reset-password', username])).toMatch(/enable the user first/)
  })

  it('sets the password that standard input holds, ends all sessions and tells the user', async () => {
    const user = await givenUser(server)
    const password = 'chosen by an operator'
    const args = ['users', 'reset-password', user.username, '--password-stdin', '--as', 'grace']
    expect((await runCommand(server.settings, args, `${password}\n`)).code).toBe(0)
    expect(await sessionStatus(user.access_token)).toBe(401)
    expect(await loginStatus(user)).toBe(401)
    expect(await loginStatus({ ...user, password })).toBe(200)
    catchUp(server)
    const mail = (await server.mails()).findLast(({ recipient }) => recipient === user.email)
    expect(mail?.text).toMatch(/password of your account was changed .* from the console of an operator/)
    expect((await eventsOf(server, user.id)).map(({ type }) => type)).toContain('password_set')
  })

  it.each([
    ['12345678901', /is one of the passwords|digits only/],
    ['short', /at least 8 characters/],
    ['', /holds no password/],
  ])('refuses the weak password %j, and changes nothing', async (password, why) => {
    const user = await givenUser(server)
    const before = await eventsOf(server, user.id)
    const args = ['users', 'reset-password', user.username, '--password-stdin']
    expect(await refusalOfCommand(server, args, `${password}\n`)).toMatch(why)
    expect(await loginStatus(user)).toBe(200)
    expect((await eventsOf(server, user.id)).slice(0, -1)).toEqual(before)
  })
})

describe('users delete', () => {
  it('deletes the user with the sessions, and keeps the audit trail', async () => {
    const user = await givenUser(server)
    await operate(server, 'users', 'delete', user.username, '--yes', '--as', 'grace')
    expect(await sessionStatus(user.access_token)).toBe(401)
    expect(await loginStatus(user)).toBe(401)
    expect(await columnsOf(user.id)).toBeUndefined()
    const events = await eventsOf(server, user.id)
    expect(events[0]?.type).toBe('user_registered')
    expect(events.at(-1)).toEqual({ type: 'user_deleted', details: { operator: 'grace' } })
    // Both names are free again.
    await givenUser(server, { username: user.username, email: user.email })
  })

  it('wants --yes where no person can be asked', async () => {
    const { id, username } = await givenUser(server)
    expect(await refusalOfCommand(server, ['users', 'delete', username])).toMatch(/add --yes/)
    expect(await columnsOf(id)).toBeDefined()
  })
})

describe('users show', () => {
  it('finds a user by username, address, id and uuid', async () => {
    const { id, uuid, username, email } = await givenUser(server)
    for (const name of [username.toUpperCase(), email, `id:${id}`, `uuid:${uuid}`]) {
      expect(JSON.parse(await operate(server, 'users', 'show', name, '--json'))).toMatchObject({ id, uuid, username })
    }
    expect(await operate(server, 'users', 'show', username)).toMatch(new RegExp(`^email +${email}$`, 'm'))
  })

  it('takes a number for a username, as a user may have chosen the id of another', async () => {
    const { id } = await givenUser(server)
    const namesake = await givenUser(server, { username: `${id}` })
    const shown = JSON.parse(await operate(server, 'users', 'show', `${id}`, '--json'))
    expect(shown.id).toBe(namesake.id)
    const sameUuid = await givenUser(server, { username: namesake.uuid })
    expect(JSON.parse(await operate(server, 'users', 'show', namesake.uuid, '--json')).id).toBe(sameUuid.id)
  })

  it('refuses names that no user has', async () => {
    const names = ['no-user-has-this-name', 'id:999999999', 'id:x', 'id:99999999999999', 'uuid:1', '']
    const refusals = await Promise.all(names.map((name) => refusalOfCommand(server, ['users', 'show', name])))
    for (const refusal of refusals) expect(refusal).toMatch(/^There is no user .*users list/)
  })

  it('shows the characters that would steer the terminal, and does not send them', async () => {
    const { id, username } = await givenUser(server)
    const evil = '\u001b]0;owned\u0007\u009b2J\u202eadmin'
    const codes = [...evil].map((character) => `chr(${character.codePointAt(0)})`).join('||')
    await runSql(server.settings.DATABASE_URL ?? '', `UPDATE users SET display_name = ${codes} WHERE id = ${id}`)
    const forPeople = await operate(server, 'users', 'show', username)
    const forMachines = await operate(server, 'users', 'show', username, '--json')
    for (const text of [forPeople, forMachines]) expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(forPeople).toContain('\\u001b]0;owned\\u0007\\u009b2J\\u202eadmin')
    expect(JSON.parse(forMachines).display_name).toBe(evil)
  })
})

describe('users list', () => {
  it('lists the newest first, a page at a time', async () => {
    const users = [await givenUser(server), await givenUser(server), await givenUser(server)]
    const [oldest, middle, newest] = users.map(({ id }) => id)
    const list = async (...args: string[]) => {
      const found = JSON.parse(await operate(server, 'users', 'list', '--json', ...args)) as { id: number }[]
      return found.map(({ id }) => id)
    }
    expect((await list()).slice(0, 3)).toEqual([newest, middle, oldest])
    expect(await list('--limit', '2')).toEqual([newest, middle])
    expect(await list('--limit', '1', '--before', `${middle}`)).toEqual([oldest])
    const [heading = '', row = ''] = (await operate(server, 'users', 'list', '--limit', '1')).split('\n')
    expect(row.indexOf(users[2]?.email ?? '')).toBe(heading.indexOf('ADDRESS'))
  })

  it.each([['0'], ['1001'], ['x'], ['-1'], ['1e3']])('refuses --limit %s', async (limit) => {
    expect(await refusalOfCommand(server, ['users', 'list', `--limit=${limit}`])).toMatch(
      /a whole number from 1 to 1000/,
    )
  })
})

it('names the user of the system as operator unless another is named, which must be printable', async () => {
  const { id, username } = await givenUser(server)
  await operate(server, 'users', 'disable', username)
  const { details } = (await eventsOf(server, id)).at(-1) ?? {}
  expect(details?.operator).toEqual(expect.stringMatching(/^.+$/))
  for (const name of ['', 'a\nb', 'x'.repeat(65)]) {
    expect(await refusalOfCommand(server, ['users', 'enable', username, '--as', name])).toMatch(/^--as needs a name/)
  }
  expect(await loginStatus({ ...randomUser(), username })).toBe(401)
})

it('says in one sentence that the database lacks migrations, and makes no table', async () => {
  const DATABASE_URL = await emptyDatabase()
  const { code, stderr } = await runCommand({ ...server.settings, DATABASE_URL }, ['users', 'list'])
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/^The database is not up to date: run auth-server migrate.*\n$/),
  ])
  expect(await runSql(DATABASE_URL, `SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([])
})

it('says in one sentence that the database cannot be reached', async () => {
  const { DATABASE_URL = '' } = server.settings
  const [gone, nowhere] = [new URL(DATABASE_URL), new URL(DATABASE_URL)]
  gone.pathname = '/template0_is_not_for_connections'
  nowhere.port = '1'
  for (const url of [gone, nowhere]) {
    const { code, stderr } = await runCommand({ ...server.settings, DATABASE_URL: url.href }, ['users', 'list'])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^The database cannot be reached: .*\n$/)])
  }
})
