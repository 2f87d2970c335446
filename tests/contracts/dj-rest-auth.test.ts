import { refusalOf } from '../support/answers.ts'
import { tokenIn } from '../support/clients.ts'
import { django, foreignRefusalOf } from '../support/error-formats.ts'
import { givenLink, givenResetToken, randomUser } from '../support/fixtures.ts'
import { client } from '../support/foreign.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const send = client(() => server, '/dj-rest-auth')

async function givenMember() {
  const { username, email, password } = randomUser()
  const sent = { username, email, password1: password, password2: password }
  const { status, body } = await send('POST registration/', sent)
  if (status !== 201) throw new Error(JSON.stringify(body))
  return { username, email, password, ...(body as { access: string; refresh: string; user: object }) }
}

const signs = expect.any(String)

describe('the default paths of dj-rest-auth, with JWT', () => {
  it('register, log in, read and change the user, refresh, verify, log out', async () => {
    const { user, ...member } = await givenMember()
    const { username, email, password } = member
    expect(user).toEqual({ pk: expect.any(Number), username, email, first_name: '', last_name: '' })

    for (const name of [{ username }, { email }, { username: '', email }, { username: 'ignored', email }]) {
      const login = await send('POST login/', { ...name, password })
      expect([login.status, login.body]).toEqual([200, { access: signs, refresh: signs, user }])
    }
    const { access, refresh } = (await send('POST login/', { username, password })).body

    const read = await send('GET user/', undefined, access)
    expect([read.status, read.body]).toEqual([200, user])
    const changed = await send('PATCH user/', { first_name: 'Ada' }, access)
    expect([changed.status, changed.body]).toEqual([200, { ...user, first_name: 'Ada' }])
    const put = await send('PUT user/', { username, last_name: 'Lovelace' }, access)
    expect([put.status, put.body]).toEqual([200, { ...user, first_name: 'Ada', last_name: 'Lovelace' }])
    expect(foreignRefusalOf(await send('PUT user/', { last_name: 'X' }, access))).toBe(django.required('username'))

    const next = await send('POST token/refresh/', { refresh })
    expect([next.status, next.body]).toEqual([200, { access: signs }])
    const verified = await send('POST token/verify/', { token: next.body.access })
    expect([verified.status, verified.body]).toEqual([200, {}])

    const out = await send('POST logout/', { refresh })
    expect([out.status, out.body]).toEqual([200, { detail: 'Successfully logged out.' }])
    expect(foreignRefusalOf(await send('POST token/refresh/', { refresh }))).toBe(django.blacklisted)
    expect(foreignRefusalOf(await send('GET user/', undefined, access))).toBe(django.badAccess)
  })

  it('change and reset the password in two equal fields', async () => {
    const { username, email, password, access } = await givenMember()
    const next = (value: string, repeated = value) => ({ new_password1: value, new_password2: repeated })

    const wrong = await send('POST password/change/', { old_password: 'wrong', ...next('a second good one 2') }, access)
    expect(foreignRefusalOf(wrong)).toBe(
      django.fields({ old_password: ['Your old password was entered incorrectly. Please enter it again.'] }),
    )
    const unequal = { old_password: password, ...next('a second good one 2', 'another one 3') }
    expect(foreignRefusalOf(await send('POST password/change/', unequal, access))).toBe(
      django.fields({ new_password2: ['The two passwords do not match.'] }),
    )
    const changed = await send(
      'POST password/change/',
      { old_password: password, ...next('a second good one 2') },
      access,
    )
    expect([changed.status, changed.body]).toEqual([200, { detail: 'New password has been saved.' }])

    const asked = await send('POST password/reset/', { email })
    expect([asked.status, asked.body]).toEqual([200, { detail: 'Password reset e-mail has been sent.' }])
    const token = tokenIn(await givenLink(server, email, /reset/i))
    const reset = await send('POST password/reset/confirm/', { uid: 'MQ', token, ...next('a third good one 3') })
    expect([reset.status, reset.body]).toEqual([200, { detail: 'Password has been reset with the new password.' }])
    expect((await send('POST login/', { username, password: 'a third good one 3' })).status).toBe(200)

    const again = await send('POST password/reset/confirm/', { uid: 'MQ', token, ...next('a fourth good one 4') })
    expect(foreignRefusalOf(again)).toBe(django.fields({ token: ['Invalid value'] }))
  })

  it('refuse a wrong password, an unknown user and an unverified one without saying more than dj-rest-auth', async () => {
    const { username, email } = await givenMember()
    for (const sent of [{ username }, { email }, { username: 'nobody-of-that-name' }]) {
      expect(foreignRefusalOf(await send('POST login/', { ...sent, password: 'not it at all' }))).toBe(
        django.fields({ non_field_errors: ['Unable to log in with provided credentials.'] }),
      )
    }
    expect(foreignRefusalOf(await send('POST logout/', {}))).toBe(django.noCredentials)
  })

  it('mail a key that verifies the address, and another on request', async () => {
    const { email } = await givenMember()
    const resent = await send('POST registration/resend-email/', { email })
    expect([resent.status, resent.body]).toEqual([200, { detail: 'ok' }])
    const key = tokenIn(await givenLink(server, email, /verify/i))
    const verified = await send('POST registration/verify-email/', { key })
    expect([verified.status, verified.body]).toEqual([200, { detail: 'ok' }])
    expect(foreignRefusalOf(await send('POST registration/verify-email/', { key: 'x'.repeat(43) }))).toBe(
      django.notFound,
    )
  })

  it('register without tokens where addresses must be verified first', () =>
    withServer(
      { EMAIL_VERIFICATION: 'required', CONTRACTS: 'dj-rest-auth', FRONTEND_URL: 'https://app.example.com' },
      async (strict) => {
        const to = client(() => strict, '/dj-rest-auth')
        const { username, email, password } = randomUser()
        const sent = { username, email, password1: password, password2: password }
        const registered = await to('POST registration/', sent)
        expect([registered.status, registered.body]).toEqual([201, { detail: 'Verification e-mail sent.' }])
        const key = tokenIn(await givenLink(strict, email, /verify|finish/i))
        expect((await to('POST registration/verify-email/', { key, password })).status).toBe(200)
        expect((await to('POST login/', { username, password })).status).toBe(200)
      },
    ))

  it('know the accounts and reset links of our own API', async () => {
    const { username, email, password } = randomUser()
    await server.send('POST', '/register_credentials', { body: { username, email, password } })
    const token = await givenResetToken(server, { username, email, password })
    const next = { new_password1: 'a second good one 2', new_password2: 'a second good one 2' }
    expect((await send('POST password/reset/confirm/', { token, ...next })).status).toBe(200)
    const { access_token } = (
      await server.send('POST', '/login_credentials', { body: { username, password: next.new_password1 } })
    ).body
    expect((await send('GET user/', undefined, access_token)).body.username).toBe(username)
    expect(refusalOf(await server.send('POST', '/login_credentials', { body: { username, password } }))).toBe(
      '401 credentials_invalid',
    )
  })
})
