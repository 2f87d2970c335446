import { keysOf } from '../support/answers.ts'
import { django, foreignRefusalOf } from '../support/error-formats.ts'
import { givenLink, mailsTo, randomUser } from '../support/fixtures.ts'
import { claimsOf, client } from '../support/foreign.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const send = client(() => server, '/api')

async function givenMember() {
  const credentials = randomUser()
  const { status, text, body } = await send('POST register/', credentials)
  if (status !== 201) throw new Error(text)
  const login = await send('POST login/', { username: credentials.username, password: credentials.password })
  return { ...credentials, id: body.id as number, ...(login.body as { access: string; refresh: string }) }
}

describe.each(['', '/'])('the printed endpoints, with "%s" at the end', (slash) => {
  it('register, log in, the protected route, refresh, change the password, log out', async () => {
    const credentials = { ...randomUser(), password: 'oldpassword' }
    const registered = await send(`POST register${slash}`, credentials)
    const shown = { id: expect.any(Number), username: credentials.username, email: credentials.email }
    expect([registered.status, registered.body]).toEqual([201, shown])

    const login = await send(`POST login${slash}`, { username: credentials.username, password: credentials.password })
    expect([login.status, login.body]).toEqual([200, { access: expect.any(String), refresh: expect.any(String) }])

    const seen = await send(`GET protected${slash}`, undefined, login.body.access)
    expect([seen.status, seen.body]).toEqual([200, { detail: expect.any(String), user: registered.body }])

    const refreshed = await send(`POST refresh${slash}`, { refresh: login.body.refresh })
    expect([refreshed.status, keysOf(refreshed.body)]).toEqual([200, ['access', 'refresh']])
    expect(refreshed.body.refresh).not.toBe(login.body.refresh)

    const passwords = { old_password: 'oldpassword', new_password: 'newpassword123' }
    const changed = await send(`POST change-password${slash}`, passwords, refreshed.body.access)
    expect([changed.status, changed.body]).toEqual([200, { detail: expect.stringMatching(/./) }])

    const out = await send(`POST logout${slash}`, { refresh: refreshed.body.refresh })
    expect([out.status, out.text, out.headers['content-length'] ?? '0']).toEqual([205, '', '0'])
    const { access, refresh } = refreshed.body
    expect(foreignRefusalOf(await send(`GET protected${slash}`, undefined, access))).toBe(django.badAccess)
    expect(foreignRefusalOf(await send(`POST refresh${slash}`, { refresh }))).toBe(django.blacklisted)
    expect((await send(`POST logout${slash}`, { refresh })).status).toBe(205)
  })
})

describe('the sessions', () => {
  it('have access tokens of 5 minutes and refresh tokens of a day regardless of the settings', () =>
    withServer({ ACCESS_TOKEN_LIFETIME: '1h', REFRESH_TOKEN_LIFETIME: '9d' }, async (other) => {
      const to = client(() => other, '/api')
      const credentials = randomUser()
      await to('POST register/', credentials)
      const { body } = await to('POST login/', { username: credentials.username, password: credentials.password })
      const [access, refresh] = [claimsOf(body.access), claimsOf(body.refresh)]
      expect([access.exp - access.iat, refresh.exp - refresh.iat]).toEqual([300, 86_400])
    }))

  it('end at their expiry', async () => {
    const { access, refresh } = await givenMember()
    server.pass('4m')
    expect((await send('GET protected/', undefined, access)).status).toBe(200)
    server.pass('2m')
    expect(foreignRefusalOf(await send('GET protected/', undefined, access))).toBe(django.badAccess)
    server.pass('1d')
    expect(foreignRefusalOf(await send('POST refresh/', { refresh }))).toBe(django.badRefresh)
  })

  it('keep the lifetimes that they were opened with, whichever contract refreshes them', async () => {
    const { id, refresh } = await givenMember()
    // The last of the contracts demands a verified address.
    await server.database.db.user.update({ where: { id }, data: { emailVerifiedAt: server.now() } })
    const drf = await client(() => server, '/api/v1/drf/auth')('POST token/refresh/', { refresh_token: refresh })
    expect([drf.status, drf.body.expires_in]).toEqual([200, 300])
    const own = await server.send('POST', '/access_token', { body: { refresh_token: drf.body.refresh_token } })
    expect(own.body).toMatchObject({ expires_in: 300, refresh_expires_in: 86_400 })
    const alone = await client(() => server, '/api/auth')('POST token/refresh/', { refresh: own.body.refresh_token })
    const { iat, exp } = claimsOf(alone.body.access)
    expect(exp - iat).toBe(300)
  })

  it('keep their lifetimes here when they were opened through another contract', async () => {
    const { username, password } = await givenMember()
    const { body: own } = await server.send('POST', '/login_credentials', { body: { username, password } })
    const { body } = await send('POST refresh/', { refresh: own.refresh_token })
    const [access, refresh] = [claimsOf(body.access), claimsOf(body.refresh)]
    expect([access.exp - access.iat, refresh.exp - refresh.iat]).toEqual([900, 604_800])
  })

  it('end when a refresh token is used a second time after its grace', async () => {
    const { refresh } = await givenMember()
    const { body } = await send('POST refresh/', { refresh })
    server.pass('11s')
    expect(foreignRefusalOf(await send('POST refresh/', { refresh }))).toBe(django.blacklisted)
    expect(foreignRefusalOf(await send('POST refresh/', { refresh: body.refresh }))).toBe(django.blacklisted)
  })
})

describe('POST register/', () => {
  it.each([
    ['a common password', { password: 'password123' }, { password: ['This password is too common.'] }],
    [
      'a username with spaces',
      { username: 'a b' },
      {
        username: ['Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.'],
      },
    ],
    ['no address', { email: 'x@' }, { email: ['Enter a valid email address.'] }],
  ])('refuses %s', async (_name, changes, errors) => {
    expect(foreignRefusalOf(await send('POST register/', { ...randomUser(), ...changes }))).toBe(django.fields(errors))
  })

  it('refuses a password that is the username, and says so', async () => {
    const credentials = randomUser()
    const password = credentials.username.toUpperCase()
    expect(foreignRefusalOf(await send('POST register/', { ...credentials, password }))).toBe(
      django.fields({ password: ['The password is too similar to the username.'] }),
    )
  })

  it('refuses a name or an address that is taken', async () => {
    const { username, email } = await givenMember()
    expect(foreignRefusalOf(await send('POST register/', { ...randomUser(), username }))).toBe(
      django.fields({ username: ['A user with that username already exists.'] }),
    )
    expect(foreignRefusalOf(await send('POST register/', { ...randomUser(), email }))).toBe(
      django.fields({ email: ['user with this email already exists.'] }),
    )
  })

  it('mails the link of the settings', async () => {
    const { email } = await givenMember()
    expect(await givenLink(server, email, /verify/i)).toMatch(/\/verify-email#token=[\w-]{43}$/)
  })

  it('where verification is required, answers alike for known and unknown addresses, and mails the difference', () =>
    withServer({ EMAIL_VERIFICATION: 'required' }, async (required) => {
      const to = client(() => required, '/api')
      const credentials = randomUser()
      const unknown = await to('POST register/', credentials)
      expect([unknown.status, unknown.body]).toEqual([
        201,
        { username: credentials.username, email: credentials.email },
      ])
      const login = { username: credentials.username, password: credentials.password }
      expect(foreignRefusalOf(await to('POST login/', login))).toBe(django.noAccount)
      const token = /token=([\w-]{43})/.exec((await required.mails()).at(-1)?.text ?? '')?.[1]
      await required.send('POST', '/verify_email', { body: { token, password: credentials.password } })
      expect((await to('POST login/', login)).status).toBe(200)
      const other = { ...randomUser(), email: credentials.email }
      const known = await to('POST register/', other)
      expect([known.status, known.text]).toEqual([201, unknown.text.replace(credentials.username, other.username)])
      expect(keysOf(known.headers)).toEqual(keysOf(unknown.headers))
      expect(known.headers['content-length']).toBe(unknown.headers['content-length'])
      const subjects = (await mailsTo(required, credentials.email)).map(({ subject }) => subject)
      expect(subjects).toEqual(['Verify your e-mail address', expect.not.stringMatching(/verify/i)])
    }))
})

describe('POST change-password/', () => {
  const next = 'another good one'

  it('keeps the tokens of its session and ends the others', async () => {
    const { username, password, access, refresh } = await givenMember()
    const { body: other } = await send('POST login/', { username, password })
    await send('POST change-password/', { old_password: password, new_password: next }, access)
    expect((await send('GET protected/', undefined, access)).status).toBe(200)
    expect((await send('POST refresh/', { refresh })).status).toBe(200)
    expect(foreignRefusalOf(await send('GET protected/', undefined, other.access))).toBe(django.badAccess)
    expect((await send('POST login/', { username, password: next })).status).toBe(200)
  })

  it('refuses a wrong old password under the name of its field', async () => {
    const { access } = await givenMember()
    const answer = await send('POST change-password/', { old_password: 'wrong', new_password: next }, access)
    expect(foreignRefusalOf(answer)).toBe(django.fields({ old_password: ['The current password is wrong.'] }))
  })
})
