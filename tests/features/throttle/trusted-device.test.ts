import { createHmac } from 'node:crypto'
import type { Response } from 'supertest'
import { deriveKey } from '../../../src/kernel/secrets.ts'
import { refusalOf, times } from '../../support/answers.ts'
import { comparedDuring } from '../../support/bcrypt.ts'
import type { Credentials, User } from '../../support/fixtures.ts'
import { givenResetToken, givenSession, givenUser, logIn, randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ HASH_QUEUE: '1000' })
})
afterAll(() => server.close())

const wrong = 'correct horse batterx'
const browser = { 'Sec-Fetch-Site': 'same-origin' }
const fail = (count: number, { username }: { username: string }) => times(count, () => logIn(server, username, wrong))
const logInWith = (
  { username, password }: Credentials,
  how: { token?: string; headers?: Record<string, string> },
  on = server,
): Promise<Response> => on.send('POST', '/login_credentials', { body: { username, password }, ...how })
const change = ({ access_token }: User, from: string) =>
  server.send('POST', '/change_password', {
    token: access_token,
    body: { current_password: from, new_password: 'another good password' },
  })

function cookiesOf({ headers }: Response): string[] {
  return (headers['set-cookie'] as unknown as string[] | undefined) ?? []
}

/** The cookie of a browser in which the user has logged in. */
async function givenDevice(user: Credentials, on = server): Promise<string> {
  const [cookie = ''] = cookiesOf(await logInWith(user, { headers: browser }, on))
  return cookie.split(';')[0] ?? ''
}

describe('a login with a browser', () => {
  it('sets a cookie that no script reads, no other site sends and no other answer holds', async () => {
    const user = await givenUser(server)
    for (const headers of [browser, { Origin: 'http://localhost:3000' }]) {
      const answer = await logInWith(user, { headers })
      expect(answer.status).toBe(200)
      const [cookie, ...others] = cookiesOf(answer)
      expect(others).toEqual([])
      expect(cookie).toMatch(/^device=[\w.-]+; Max-Age=15552000; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/)
      const token = cookie?.slice('device='.length).split(';')[0] ?? ''
      expect(JSON.stringify(answer.body)).not.toContain(token)
      expect(server.logged.join()).not.toContain(token)
    }
  })

  it('leaves it under a name that only this host can set, where the server speaks https', async () => {
    await withServer({ ...server.settings, PUBLIC_URL: 'https://auth.example.com' }, async (secure) => {
      const [cookie] = cookiesOf(await logInWith(await givenUser(secure), { headers: browser }, secure))
      expect(cookie).toMatch(
        /^__Host-device=[\w.-]+; Max-Age=\d+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
      )
    })
  })

  it.each(['//api/login/', '//api/auth/login/', '//api/v1/drf/auth/login/', '/refresh_token'])(
    'does so at %s too',
    async (path) => {
      const user = await givenUser(server)
      await server.database.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt: server.now() } })
      const { email, password } = user
      const body = /drf/.test(path) ? { email, password } : { username: user.username, password }
      const answer = await server.send('POST', path, { body, headers: browser })
      expect(answer.status).toBe(200)
      expect(cookiesOf(answer)).toHaveLength(1)
    },
  )

  it('that fails sets no cookie, nor does one of a program', async () => {
    const user = await givenUser(server)
    expect(cookiesOf(await logInWith({ ...user, password: wrong }, { headers: browser }))).toEqual([])
    expect(cookiesOf(await logInWith(user, {}))).toEqual([])
  })
})

/** The device token of a program in which the user has logged in. */
async function givenProgram({ username, password }: Credentials, on = server): Promise<string> {
  const answer = await on.send('POST', '/login_credentials', { body: { username, password, remember_device: true } })
  return answer.body.device_token
}

describe('a program that asks to be remembered', () => {
  it.each([
    ['a login', '/login_credentials', 200, async ({ username, password }: User) => ({ username, password })],
    ['a new refresh token', '/refresh_token', 200, async ({ username, password }: User) => ({ username, password })],
    ['a registration', '/register_credentials', 201, async () => randomUser()],
    [
      'a change',
      '/change_password',
      200,
      async ({ password }: User) => ({ current_password: password, new_password: 'another good password' }),
    ],
    [
      'a reset',
      '/reset_password',
      200,
      async (user: User) => ({ token: await givenResetToken(server, user), new_password: 'another good password' }),
    ],
  ])('gets a token with the answer to %s, and none without asking', async (_what, path, status, fieldsOf) => {
    for (const asked of [true, false, undefined]) {
      const user = await givenUser(server)
      const body = { ...(await fieldsOf(user)), ...(asked !== undefined && { remember_device: asked }) }
      const { body: answer, ...rest } = await server.send('POST', path, { body, token: user.access_token })
      expect(rest.status).toBe(status)
      expect(typeof answer.device_token).toBe(asked ? 'string' : 'undefined')
      expect(server.logged.join()).not.toContain(answer.device_token ?? 'no such token')
    }
  })

  it.each(['yes', 1, null])('asks with true or false, and not with %j', async (remember_device) => {
    const { username, password } = await givenUser(server)
    const answer = await server.send('POST', '/login_credentials', { body: { username, password, remember_device } })
    expect(answer.status).toBe(400)
  })

  it.each(['/api/login/', '/api/auth/login/', '/api/v1/drf/auth/login/', '/api/v1/auth/login_credentials'])(
    'is trusted by it at %s, before and after a hundred wrong passwords of untrusted clients',
    async (path) => {
      const user = await givenUser(server)
      await server.database.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt: server.now() } })
      const { username, email, password } = user
      const headers = { 'Device-Token': await givenProgram(user) }
      const body = /drf/.test(path) ? { email, password } : { username, password }
      await fail(20, user)
      expect((await server.send('POST', `/${path}`, { body })).status).toBeGreaterThanOrEqual(400)
      expect((await server.send('POST', `/${path}`, { body, headers })).status).toBe(200)
    },
  )

  it('is untrusted with anything else in the header, which changes nothing', async () => {
    const [user, other] = [await givenUser(server), await givenUser(server)]
    const token = await givenProgram(user)
    const hostile = ['', 'x', token.slice(1), `${token}A`, `${token}, ${token}`, 'A'.repeat(8000), '%00', '\u00ff']
    for (const value of [...hostile, await givenProgram(other)]) {
      expect((await logInWith(user, { headers: { 'Device-Token': value } })).status).toBe(200)
    }
    await fail(6, user)
    for (const value of hostile) {
      expect(refusalOf(await logInWith(user, { headers: { 'Device-Token': value } }))).toBe('401 credentials_invalid')
    }
    expect((await logInWith(user, { headers: { 'Device-Token': token } })).status).toBe(200)
  })

  it('may send the header from the pages of a listed origin', async () => {
    const headers = { Origin: 'http://localhost:3000', 'Access-Control-Request-Method': 'POST' }
    const answer = await server.send('OPTIONS', '/login_credentials', { headers })
    expect(answer.headers['access-control-allow-headers']).toContain('Device-Token')
  })
})

describe('a trusted device', () => {
  const ways: [string, (user: User) => Promise<{ token?: string; headers?: Record<string, string> }>][] = [
    ['the cookie of an earlier login', async (user) => ({ headers: { Cookie: await givenDevice(user) } })],
    ['the token of an earlier login', async (user) => ({ headers: { 'Device-Token': await givenProgram(user) } })],
    ['the access token of a live session', async ({ access_token }) => ({ token: access_token })],
    ['the refresh token of a live session', async ({ refresh_token }) => ({ token: refresh_token })],
  ]

  it.each(ways)('is not throttled by the guesses of untrusted clients: %s', async (_way, show) => {
    const user = await givenUser(server)
    const how = await show(user)
    await fail(20, user)
    expect((await logInWith(user, {})).status).toBe(401)
    expect((await logInWith(user, how)).status).toBe(200)
  })

  it.each([
    { Origin: 'https://evil.example.net', 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'same-site' },
  ])('is not trusted by its cookie on a page of another site, which cannot replace it either: %j', async (page) => {
    const user = await givenUser(server)
    const cookie = await givenDevice(user)
    await fail(5, user)
    const headers = { ...page, Cookie: cookie }
    expect(refusalOf(await logInWith(user, { headers }))).toBe('401 credentials_invalid')
    expect((await logInWith(user, { headers: { Cookie: cookie } })).status).toBe(200)
    const other = await givenUser(server)
    const answer = await logInWith(other, { headers })
    expect([answer.status, answer.headers['set-cookie']]).toEqual([200, undefined])
  })

  it('can change the password whatever untrusted clients guess', async () => {
    const user = await givenUser(server)
    await fail(20, user)
    expect((await change(user, user.password)).status).toBe(200)
  })

  it.each(ways)('has five guesses of its own, which count for the account as well: %s', async (_way, show) => {
    const user = await givenUser(server)
    const how = await show(user)
    const compared = await comparedDuring(() => times(50, () => logInWith({ ...user, password: wrong }, how)))
    expect(compared).toHaveLength(5)
    expect((await logInWith(user, how)).status).toBe(401)
    expect((await logInWith(user, {})).status).toBe(401)
    server.pass('5s')
    expect((await logInWith(user, how)).status).toBe(200)
    expect((await logInWith(user, {})).status).toBe(200)
  })

  it.each(['a reset', 'a change'])(
    'is the browser that sets a password by %s, whatever is guessed then',
    async (how) => {
      const user = await givenUser(server)
      const password = 'another good password'
      const set =
        how === 'a change'
          ? server.raw('POST', '/change_password').set('Authorization', `Bearer ${user.access_token}`)
          : server.raw('POST', '/reset_password')
      const proof =
        how === 'a change' ? { current_password: user.password } : { token: await givenResetToken(server, user) }
      const answer = await set.set(browser).send({ ...proof, new_password: password })
      expect(answer.status).toBe(200)
      const [cookie = ''] = cookiesOf(answer)
      expect(cookie).toMatch(/^device=.*; HttpOnly; SameSite=Strict$/)
      await fail(20, user)
      const headers = { Cookie: cookie.split(';')[0] ?? '' }
      expect((await logInWith({ ...user, password }, {})).status).toBe(401)
      expect((await logInWith({ ...user, password }, { headers })).status).toBe(200)
    },
  )

  // Each such failure is added to those of the account, without a limit.
  it('may fail however often the account did before', async () => {
    const user = await givenUser(server)
    const headers = { Cookie: await givenDevice(user) }
    await fail(1, user)
    await server.database.db.passwordAttempts.update({
      where: { throttleKey: `user:${user.id}` },
      data: { failures: 2000 },
    })
    expect(refusalOf(await logInWith({ ...user, password: wrong }, { headers }))).toBe('401 credentials_invalid')
  })

  it('has five guesses of its own at a change of the password', async () => {
    const user = await givenUser(server)
    const other = await givenSession(server, user)
    expect(await comparedDuring(() => times(30, () => change(user, wrong)))).toHaveLength(5)
    const refused = await change(user, user.password)
    expect(refusalOf(refused)).toBe('400 current_password_wrong #/current_password current_password_wrong')
    expect((await change({ ...user, ...other }, user.password)).status).toBe(200)
  })

  const giveFailures = (throttleKey: string, failures: number) =>
    server.database.db.passwordAttempts.upsert({
      where: { throttleKey },
      // Counted after every login that there has been.
      create: { throttleKey, failures, logins: 1000, blockedUntil: server.now() },
      update: { failures, logins: 1000, blockedUntil: server.now() },
    })

  it.each(ways)(
    'goes on after a hundred wrong passwords of untrusted clients, and opens nothing for them: %s',
    async (_way, show) => {
      const user = await givenUser(server)
      const how = await show(user)
      await giveFailures(`user:${user.id}`, 99)
      await fail(1, user)
      for (let round = 0; round < 3; round += 1) {
        expect((await logInWith(user, {})).status).toBe(401)
        expect((await logInWith(user, how)).status).toBe(200)
      }
      expect((await logInWith({ ...user, password: wrong }, how)).status).toBe(401)
      expect((await logInWith(user, how)).status).toBe(200)
      expect((await logInWith(user, {})).status).toBe(401)
    },
  )

  it('can change the password after a hundred wrong ones of untrusted clients, who stay out', async () => {
    const user = await givenUser(server)
    await giveFailures(`user:${user.id}`, 99)
    await fail(1, user)
    expect((await change(user, user.password)).status).toBe(200)
    expect((await logInWith({ ...user, password: 'another good password' }, {})).status).toBe(401)
  })

  it('counts as untrusted after a hundred wrong passwords of its own', async () => {
    const user = await givenUser(server)
    const headers = { Cookie: await givenDevice(user) }
    await logInWith({ ...user, password: wrong }, { headers })
    const device = await server.database.db.passwordAttempts.findFirstOrThrow({
      where: { throttleKey: { startsWith: 'device:' } },
      orderBy: { blockedUntil: 'desc' },
    })
    await giveFailures(device.throttleKey, 99)
    expect((await logInWith({ ...user, password: wrong }, { headers })).status).toBe(401)
    server.pass('900s')
    // The account itself is not closed: the device may try as any client may, with the account's counter.
    expect((await logInWith(user, { headers })).status).toBe(200)
    await giveFailures(`user:${user.id}`, 99)
    await fail(1, user)
    expect((await logInWith(user, { headers })).status).toBe(401)
    expect((await logInWith(user, { token: user.refresh_token })).status).toBe(200)
  })

  it('closes the account to untrusted clients by a hundred failures of its own', async () => {
    const user = await givenUser(server)
    const headers = { Cookie: await givenDevice(user) }
    for (let index = 0; index < 100; index += 1) {
      if (index > 4) server.pass('900s')
      await logInWith({ ...user, password: wrong }, { headers })
    }
    server.pass('900s')
    expect((await logInWith(user, {})).status).toBe(401)
    expect((await logInWith(user, { headers })).status).toBe(401)
    const mails = (await server.mails()).filter(({ recipient }) => recipient === user.email)
    expect(mails.at(-1)?.subject).toBe('Logging in from new devices was switched off')
  })

  it('clears the failures of untrusted clients by its login', async () => {
    const user = await givenUser(server)
    const headers = { Cookie: await givenDevice(user) }
    await fail(20, user)
    await logInWith(user, { headers })
    expect((await logInWith(user, {})).status).toBe(200)
  })
})

describe('an untrusted device', () => {
  const refusedWith = async (user: User, how: { token?: string; headers?: Record<string, string> }, on = server) => {
    await fail(6, user)
    expect(refusalOf(await logInWith(user, how, on))).toBe('401 credentials_invalid')
  }

  it("is one with another user's cookie or session", async () => {
    const [user, otherUser] = [await givenUser(server), await givenUser(server)]
    await refusedWith(user, { headers: { Cookie: await givenDevice(otherUser) } })
    await refusedWith(user, { token: otherUser.access_token })
  })

  it('is one whose session has ended', async () => {
    const user = await givenUser(server)
    await server.send('POST', '/logout', { token: user.access_token })
    await refusedWith(user, { token: user.access_token })
  })

  // An attacker who once had the password could collect cookies, and guess the next password with five guesses for
  // each.
  it('is one whose cookie is older than the password', async () => {
    const user = await givenUser(server)
    const cookies = await times(20, () => givenDevice(user))
    const token = await givenResetToken(server, user)
    await server.send('POST', '/reset_password', { body: { token, new_password: 'another good password' } })
    const guess = (cookie: string) => logInWith({ ...user, password: wrong }, { headers: { Cookie: cookie } })
    const compared = await comparedDuring(async () => {
      for (const cookie of cookies) await times(5, () => guess(cookie))
    })
    expect(compared).toHaveLength(5)
  })

  it('is one whose cookie is older than 180 days', async () => {
    const user = await givenUser(server)
    const [younger, older] = [await givenDevice(user), await givenDevice(user)]
    server.pass('179d')
    await fail(6, user)
    expect((await logInWith(user, { headers: { Cookie: younger } })).status).toBe(200)
    server.pass('2d')
    await refusedWith(user, { headers: { Cookie: older } })
  })

  it('is one with a cookie that differs from ours in any character', async () => {
    const user = await givenUser(server)
    const cookie = await givenDevice(user)
    const [body, mac] = [
      cookie.slice('device='.length, cookie.lastIndexOf('.')),
      cookie.slice(cookie.lastIndexOf('.') + 1),
    ]
    const [, version, id, exp] = body.split('.')
    const foreign = createHmac('sha256', deriveKey('another key of thirty-two bytes', 'trusted device'))
    for (const value of [
      '',
      body,
      `${body}.`,
      `${body}.${'A'.repeat(43)}`,
      `${body}.${foreign.update(body).digest('base64url')}`,
      `${user.id}.${version}.${id}.${Number(exp) + 1}.${mac}`,
      `${user.id}.${Number(version) + 1}.${id}.${exp}.${mac}`,
      `${user.id}.${version}.${'A'.repeat(22)}.${exp}.${mac}`,
      `0${body}.${mac}`,
      `${body}.${mac}=`,
    ]) {
      await refusedWith(user, { headers: { Cookie: `device=${value}` } })
    }
    expect((await logInWith(user, { headers: { Cookie: cookie } })).status).toBe(200)
  })

  it('does not reveal by its cookie which accounts exist', async () => {
    const [user, unregistered] = [await givenUser(server), randomUser()]
    const headers = { Cookie: await givenDevice(user) }
    const answer = await logInWith(unregistered, { headers })
    expect(refusalOf(answer)).toBe('401 credentials_invalid')
  })

  it('stays trusted when the key is replaced, as long as the old one is still in the list', async () => {
    const user = await givenUser(server)
    const headers = { Cookie: await givenDevice(user) }
    await fail(6, user)
    const newKey = 'the newer key signs from now on and has thirty-two bytes'
    await withServer({ ...server.settings, SECRET_KEY: newKey }, async (forgetful) => {
      expect((await logInWith(user, { headers }, forgetful)).status).toBe(401)
    })
    await withServer({ ...server.settings, SECRET_KEY: `${newKey},${server.settings.SECRET_KEY}` }, async (both) => {
      expect((await logInWith(user, { headers }, both)).status).toBe(200)
    })
  })
})
