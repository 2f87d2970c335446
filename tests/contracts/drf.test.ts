import { keysOf } from '../support/answers.ts'
import { django, foreignRefusalOf } from '../support/error-formats.ts'
import { randomUser } from '../support/fixtures.ts'
import { claimsOf, client } from '../support/foreign.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const send = client(() => server, '/api/v1/drf/auth')

/** As the published service prints it. */
const printedProfile = {
  id: 1,
  uuid: '123e4567-e89b-12d3-a456-426614174000',
  email: 'user@example.com',
  first_name: 'John',
  last_name: 'Doe',
  full_name: 'John Doe',
  display_name: 'John Doe',
  phone_number: '+1234567890',
  phone_number_verified: false,
  timezone: 'UTC',
  is_practitioner: false,
  account_status: 'active',
  last_login: '2024-01-01T12:00:00Z',
  date_joined: '2024-01-01T10:00:00Z',
  is_active: true,
  is_staff: false,
  is_superuser: false,
}
const printedTokens = {
  access_token: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9...',
  refresh_token: 'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9...',
  token_type: 'bearer',
  expires_in: 1800,
  user: printedProfile,
}

const kindsOf = (body: object) =>
  Object.fromEntries(Object.entries(body).map(([name, value]) => [name, value === null ? 'null' : typeof value]))

const newcomer = (email = randomUser().email) => ({
  email,
  password: 'securepass123!',
  password_confirm: 'securepass123!',
  first_name: 'John',
  last_name: 'Doe',
})

async function givenMember() {
  const sent = newcomer()
  const { status, text, body } = await send('POST register/', sent)
  if (status !== 201) throw new Error(text)
  return { ...sent, ...body }
}

describe.each(['', '/'])('the printed examples, word for word, with "%s" at the end', (slash) => {
  let fresh: TestServer
  beforeAll(async () => {
    fresh = await startServer()
  })
  afterAll(() => fresh.close())
  const send = client(() => fresh, '/api/v1/drf/auth')

  it('register, log in, refresh, read and change the profile, change the password, log out', async () => {
    const sent = newcomer('user@example.com')
    const registered = await send(`POST register${slash}`, sent)
    expect(registered.status).toBe(201)
    expect(kindsOf(registered.body)).toEqual(kindsOf(printedTokens))
    expect(kindsOf(registered.body.user)).toEqual(kindsOf(printedProfile))
    expect(registered.body).toMatchObject({ token_type: 'bearer', expires_in: 1800 })
    const { id, uuid, last_login, date_joined, ...rest } = registered.body.user
    const { id: _id, uuid: _uuid, last_login: _login, date_joined: _joined, ...printed } = printedProfile
    expect(rest).toEqual({ ...printed, email: sent.email, phone_number: '' })
    for (const time of [last_login, date_joined]) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)

    const login = await send(`POST login${slash}`, { email: sent.email, password: sent.password })
    expect([login.status, kindsOf(login.body)]).toEqual([200, kindsOf(printedTokens)])
    expect(login.body.user).toMatchObject({ id, uuid })

    const refreshed = await send(`POST token/refresh${slash}`, { refresh_token: login.body.refresh_token })
    expect([refreshed.status, kindsOf(refreshed.body)]).toEqual([200, kindsOf(printedTokens)])
    expect(kindsOf(refreshed.body.user)).toEqual(kindsOf(printedProfile))
    expect(refreshed.body.refresh_token).not.toBe(login.body.refresh_token)

    const token: string = refreshed.body.access_token
    const me = await send(`GET me${slash}`, undefined, token)
    expect([me.status, keysOf(me.body)]).toEqual([200, keysOf(printedProfile)])
    const changes = { phone_number: '+1234567890', timezone: 'Europe/Paris', display_name: 'J' }
    const changed = await send(`PATCH me${slash}`, changes, token)
    expect(changed.status).toBe(200)
    expect(changed.body).toEqual({ ...me.body, ...changes })

    const passwords = {
      current_password: sent.password,
      new_password: 'another good one',
      new_password_confirm: 'another good one',
    }
    const set = await send(`POST change-password${slash}`, passwords, token)
    expect([set.status, set.body]).toEqual([200, { message: expect.stringMatching(/./) }])

    const out = await send(`POST logout${slash}`, { refresh_token: refreshed.body.refresh_token })
    expect([out.status, out.body]).toEqual([200, { message: expect.stringMatching(/./) }])
    expect(foreignRefusalOf(await send(`GET me${slash}`, undefined, token))).toBe(django.badAccess)
  })
})

describe('POST register/', () => {
  it('asks for no username, and makes one that reveals nothing of the address', async () => {
    const { user, email } = await givenMember()
    const { username } = await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    expect(username).toMatch(/^user-[\da-f]{16}$/)
    expect(username).not.toContain(email.split('@')[0])
  })

  it('ignores a username that is sent, as any other unknown field', async () => {
    const sent = { ...newcomer(), username: 'administrator', is_staff: true, surprise: [] }
    const { status, body } = await send('POST register/', sent)
    expect([status, body.user.is_staff]).toEqual([201, false])
  })

  it.each([
    [
      'another confirmation',
      { password_confirm: 'securepass123?' },
      { password_confirm: ['The two passwords do not match.'] },
    ],
    [
      'a common password',
      { password: 'password123', password_confirm: 'password123' },
      { password: ['This password is too common.'] },
    ],
    [
      'a short password',
      { password: 'x7', password_confirm: 'x7' },
      { password: ['This password is too short. It must contain at least 8 characters.'] },
    ],
    ['no address', { email: 'ada' }, { email: ['Enter a valid email address.'] }],
  ])('refuses %s', async (_name, changes, errors) => {
    expect(foreignRefusalOf(await send('POST register/', { ...newcomer(), ...changes }))).toBe(django.fields(errors))
  })

  it('refuses a password that is the address or its beginning, and says so', async () => {
    const { email } = randomUser()
    for (const password of [email.toUpperCase(), email.slice(0, email.indexOf('@'))]) {
      const sent = { ...newcomer(email), password, password_confirm: password }
      expect(foreignRefusalOf(await send('POST register/', sent))).toBe(
        django.fields({ password: ['The password is too similar to the email address.'] }),
      )
    }
  })

  it('refuses an address that is taken', async () => {
    const { email } = await givenMember()
    expect(foreignRefusalOf(await send('POST register/', newcomer(email)))).toBe(
      django.fields({ email: ['user with this email already exists.'] }),
    )
  })

  it('where verification is required, answers alike for known and unknown addresses, and mails the difference', () =>
    withServer({ EMAIL_VERIFICATION: 'required' }, async (required) => {
      const to = client(() => required, '/api/v1/drf/auth')
      const sent = newcomer('some.body@example.com')
      const unknown = await to('POST register/', sent)
      expect([unknown.status, unknown.body]).toEqual([201, { message: expect.any(String), email: sent.email }])
      const token = /token=([\w-]{43})/.exec((await required.mails()).at(-1)?.text ?? '')?.[1]
      expect(foreignRefusalOf(await to('POST login/', { email: sent.email, password: sent.password }))).toBe(
        django.noAccount,
      )
      await required.send('POST', '/verify_email', { body: { token, password: sent.password } })
      expect((await to('POST login/', { email: sent.email, password: sent.password })).status).toBe(200)
      const known = await to('POST register/', sent)
      expect([known.status, known.text]).toEqual([unknown.status, unknown.text])
      expect(keysOf(known.headers)).toEqual(keysOf(unknown.headers))
      expect((await required.mails()).map(({ subject }) => subject)).toEqual([
        'Verify your e-mail address',
        expect.not.stringMatching(/verify/i),
      ])
    }))
})

describe('POST login/', () => {
  const address = 'Enter a valid email address.'

  it.each<[string, unknown, string]>([
    ['a text without an @', 'ada', address],
    ['an address without a domain', 'ada@', address],
    ['two addresses', 'ada@example.com, bob@example.com', address],
    ['a number', 42, address],
    ['a list', ['ada@example.com'], address],
    ['an object', { not: '' }, address],
    ['a boolean', true, address],
    ['nothing', '', 'This field may not be blank.'],
    ['spaces', '   ', 'This field may not be blank.'],
    ['null', null, 'This field may not be null.'],
    ['no field at all', undefined, 'This field is required.'],
  ])('says what is wrong with %s in place of an address', async (_what, email, message) => {
    const { password } = await givenMember()
    const answer = await send('POST login/', { email, password })
    expect(foreignRefusalOf(answer)).toBe(django.fields({ email: [message] }))
  })

  it('takes an address in any case and with spaces around it', async () => {
    const { email, password } = await givenMember()
    expect((await send('POST login/', { email: ` ${email.toUpperCase()} `, password })).status).toBe(200)
  })
})

describe('the sessions', () => {
  it('have access tokens of 30 minutes and refresh tokens of 7 days regardless of the settings', () =>
    withServer({ ACCESS_TOKEN_LIFETIME: '1m', REFRESH_TOKEN_LIFETIME: '1h' }, async (other) => {
      const { body } = await client(() => other, '/api/v1/drf/auth')('POST register/', newcomer())
      const [access, refresh] = [claimsOf(body.access_token), claimsOf(body.refresh_token)]
      expect([body.expires_in, access.exp - access.iat, refresh.exp - refresh.iat]).toEqual([1800, 1800, 604_800])
    }))

  it('end at their expiry', async () => {
    const { access_token, refresh_token } = await givenMember()
    server.pass('29m')
    expect((await send('GET me/', undefined, access_token)).status).toBe(200)
    server.pass('2m')
    expect(foreignRefusalOf(await send('GET me/', undefined, access_token))).toBe(django.badAccess)
    server.pass('7d')
    expect(foreignRefusalOf(await send('POST token/refresh/', { refresh_token }))).toBe(django.badRefresh)
  })

  it('get the same successor within the grace and end when an older token comes back', async () => {
    const { refresh_token } = await givenMember()
    const first = await send('POST token/refresh/', { refresh_token })
    expect((await send('POST token/refresh/', { refresh_token })).text).toBe(first.text)
    server.pass('11s')
    expect(foreignRefusalOf(await send('POST token/refresh/', { refresh_token }))).toBe(django.blacklisted)
    expect(foreignRefusalOf(await send('GET me/', undefined, first.body.access_token))).toBe(django.badAccess)
  })
})

describe('POST change-password/', () => {
  const next = 'another good one'

  it('takes a confirmation or none, but not another one', async () => {
    const { password, access_token, email } = await givenMember()
    const change = (body: object) =>
      send('POST change-password/', { current_password: password, ...body }, access_token)
    expect(foreignRefusalOf(await change({ new_password: next, new_password_confirm: `${next}!` }))).toBe(
      django.fields({ new_password_confirm: ['The two passwords do not match.'] }),
    )
    expect((await change({ new_password: next })).status).toBe(200)
    expect((await send('POST login/', { email, password: next })).status).toBe(200)
  })

  it('keeps the tokens of its session and ends the others', async () => {
    const { email, password, access_token, refresh_token } = await givenMember()
    const { body: other } = await send('POST login/', { email, password })
    await send('POST change-password/', { current_password: password, new_password: next }, access_token)
    expect((await send('POST token/refresh/', { refresh_token })).status).toBe(200)
    expect(foreignRefusalOf(await send('GET me/', undefined, other.access_token))).toBe(django.badAccess)
  })

  it('refuses a wrong current password under the name of its field', async () => {
    const { access_token } = await givenMember()
    const answer = await send('POST change-password/', { current_password: 'wrong', new_password: next }, access_token)
    expect(foreignRefusalOf(answer)).toBe(django.fields({ current_password: ['The current password is wrong.'] }))
  })
})

describe('PATCH me/', () => {
  it('changes neither the address, nor the username, nor fields reserved for staff', async () => {
    const { user, access_token } = await givenMember()
    const sent = { email: 'x@example.com', username: 'x', is_staff: true, account_status: 'disabled', id: 1 }
    const { status, body } = await send('PATCH me/', sent, access_token)
    expect([status, body]).toEqual([200, user])
  })
})
