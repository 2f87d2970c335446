import { tokenIn } from '../support/clients.ts'
import { django, foreignRefusalOf } from '../support/error-formats.ts'
import { givenLink, randomUser } from '../support/fixtures.ts'
import { client } from '../support/foreign.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const send = client(() => server, '/auth')

async function givenMember() {
  const { username, email, password } = randomUser()
  const { status, body } = await send('POST users/', { username, email, password, re_password: password })
  if (status !== 201) throw new Error(JSON.stringify(body))
  const login = await send('POST jwt/create/', { username, password })
  return { username, email, password, user: body, ...(login.body as { access: string; refresh: string }) }
}

const signs = expect.any(String)
const done = { status: 204, text: '' }

describe('the default paths of djoser, with JWT', () => {
  it('register, log in, read the user, refresh, verify, log out', async () => {
    const { username, email, user, access, refresh } = await givenMember()
    expect(user).toEqual({ id: expect.any(Number), username, email })
    expect([access, refresh]).toEqual([signs, signs])

    const read = await send('GET users/me/', undefined, access)
    expect([read.status, read.body]).toEqual([200, user])
    const next = await send('POST jwt/refresh/', { refresh })
    expect([next.status, next.body]).toEqual([200, { access: signs }])
    const verified = await send('POST jwt/verify/', { token: access })
    expect([verified.status, verified.body]).toEqual([200, {}])

    expect(await send('POST token/logout/', {}, access)).toMatchObject(done)
    expect(foreignRefusalOf(await send('POST jwt/refresh/', { refresh }))).toBe(django.blacklisted)
    expect(foreignRefusalOf(await send('GET users/me/', undefined, access))).toBe(django.badAccess)
    expect(foreignRefusalOf(await send('POST token/logout/', {}))).toBe(django.noCredentials)
  })

  it('change and reset the password', async () => {
    const { username, email, password, access } = await givenMember()
    const wrong = { current_password: 'wrong', new_password: 'a second good one 2' }
    expect(foreignRefusalOf(await send('POST users/set_password/', wrong, access))).toBe(
      django.fields({ current_password: ['Invalid password.'] }),
    )
    const unequal = { current_password: password, new_password: 'a second good one 2', re_new_password: 'another 3' }
    expect(foreignRefusalOf(await send('POST users/set_password/', unequal, access))).toBe(
      django.fields({ re_new_password: ['The two passwords do not match.'] }),
    )
    const change = { current_password: password, new_password: 'a second good one 2' }
    expect(await send('POST users/set_password/', change, access)).toMatchObject(done)

    expect(await send('POST users/reset_password/', { email })).toMatchObject(done)
    const token = tokenIn(await givenLink(server, email, /reset/i))
    const reset = { uid: 'MQ', token, new_password: 'a third good one 3' }
    expect(await send('POST users/reset_password_confirm/', reset)).toMatchObject(done)
    expect((await send('POST jwt/create/', { username, password: reset.new_password })).status).toBe(200)
    const again = await send('POST users/reset_password_confirm/', { ...reset, new_password: 'a fourth good one 4' })
    expect(foreignRefusalOf(again)).toBe(django.fields({ token: ['Invalid token for given user.'] }))
  })

  it('refuse a wrong password and an unknown user as SimpleJWT does', async () => {
    const { username } = await givenMember()
    for (const name of [username, 'nobody-of-that-name']) {
      const answer = await send('POST jwt/create/', { username: name, password: 'not it at all' })
      expect(foreignRefusalOf(answer)).toBe(django.noAccount)
    }
  })

  it('mail a token that activates the user, and another on request', async () => {
    const { email } = await givenMember()
    expect(await send('POST users/resend_activation/', { email })).toMatchObject(done)
    const token = tokenIn(await givenLink(server, email, /verify/i))
    expect(await send('POST users/activation/', { uid: 'MQ', token })).toMatchObject(done)
    expect(foreignRefusalOf(await send('POST users/activation/', { uid: 'MQ', token: 'x'.repeat(43) }))).toBe(
      django.fields({ token: ['Invalid token for given user.'] }),
    )
  })

  it('register users without an id where addresses must be verified first', () =>
    withServer(
      { EMAIL_VERIFICATION: 'required', CONTRACTS: 'djoser', FRONTEND_URL: 'https://app.example.com' },
      async (strict) => {
        const to = client(() => strict, '/auth')
        const { username, email, password } = randomUser()
        const registered = await to('POST users/', { username, email, password })
        expect([registered.status, registered.body]).toEqual([201, { email, username }])
        const token = tokenIn(await givenLink(strict, email, /verify|finish/i))
        expect(await to('POST users/activation/', { token, password })).toMatchObject(done)
        expect((await to('POST jwt/create/', { username, password })).status).toBe(200)
      },
    ))
})
