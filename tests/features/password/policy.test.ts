import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { createPasswordPolicy } from '../../../src/features/password/index.ts'
import { refusalOf } from '../../support/answers.ts'
import { django, foreignRefusalOf } from '../../support/error-formats.ts'
import type { Credentials } from '../../support/fixtures.ts'
import {
  givenLink,
  givenRegistration,
  givenResetToken,
  givenUser,
  randomUser,
  randomUserWithoutDigits,
} from '../../support/fixtures.ts'
import { client, givenVerified } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

interface Owner extends Credentials {
  readonly first_name: string
  readonly last_name: string
  readonly display_name: string
}

/** A user with all fields, all different. */
function randomOwner(): Owner {
  const { username, password } = randomUser()
  return {
    username,
    email: `kowalczyk.${username.slice(1, 7)}@mailhouse-${username.slice(7)}.example`,
    password,
    first_name: 'Wilhelmina',
    last_name: 'Van Duijvenbode',
    display_name: 'Captain Birdseye',
  }
}

const reversed = (text: string) => [...text].reverse().join('')

/** Passwords that are too similar, and to what: Django's measure counts letters and not their order. */
const similar: readonly (readonly [what: string, passwordOf: (owner: Owner) => string, to: string])[] = [
  ['the username', ({ username }) => username, 'username'],
  ['the username in capitals', ({ username }) => username.toUpperCase(), 'username'],
  ['the username and a figure', ({ username }) => `${username}1`, 'username'],
  ['the letters of the username', ({ username }) => reversed(username), 'username'],
  ['the address', ({ email }) => email, 'email address'],
  ['what stands before the @', ({ email }) => email.slice(0, email.indexOf('@')), 'email address'],
  ['the mails of a word of the address', () => reversed('kowalczyk'), 'email address'],
  [
    'the domain of the address, in capitals',
    ({ email }) => `.${email.slice(email.indexOf('@') + 1).toUpperCase()}`,
    'email address',
  ],
  ['the first name and a figure', () => 'wilhelmina7', 'first name'],
  ['a word of the last name', () => 'Duijvenbode!', 'last name'],
]

const message = (to: string) => `The password is too similar to the ${to}.`

describe('a password that is too similar to', () => {
  it.each(similar)('%s is refused where one is chosen: registering, changing and resetting', async (_what, of, to) => {
    const owner = randomOwner()
    const { display_name, ...registered } = owner
    const password = of(owner)
    const refusal = (field: string) => `400 invalid_request #/${field} password_personal`
    const register = await server.send('POST', '/register_credentials', { body: { ...registered, password } })
    expect(refusalOf(register)).toBe(refusal('password'))
    expect(register.body.errors[0].detail).toBe(`must not be too similar to the ${to.replace('email', 'e-mail')}`)

    const user = await givenUser(server, registered)
    const body = { current_password: user.password, new_password: password }
    const change = await server.send('POST', '/change_password', { body, token: user.access_token })
    expect(refusalOf(change)).toBe(refusal('new_password'))
    const token = await givenResetToken(server, user)
    const reset = await server.send('POST', '/reset_password', { body: { token, new_password: password } })
    expect(refusalOf(reset)).toBe(refusal('new_password'))
    const kept = await server.send('POST', '/login_credentials', {
      body: { username: user.username, password: user.password },
    })
    expect(kept.status).toBe(200)
  })

  it.each(similar)('%s is refused by every published contract, in the words of Django', async (_what, of, to) => {
    const owner = randomOwner()
    const { username, email, first_name, last_name } = owner
    const password = of(owner)
    const names = { first_name, last_name }
    const said = (field: string) => django.fields({ [field]: [message(to)] })
    const restAuth = client(() => server, '/api/auth')
    const simpleJwt = client(() => server, '/api')
    const drf = client(() => server, '/api/v1/drf/auth')
    const newcomer = { username, email, password }
    expect(foreignRefusalOf(await restAuth('POST register/', { ...newcomer, ...names }))).toBe(said('password'))
    if (!to.includes('name') || to === 'username') {
      expect(foreignRefusalOf(await simpleJwt('POST register/', newcomer))).toBe(said('password'))
    }
    if (to !== 'username') {
      const sent = { email, password, password_confirm: password, ...names }
      expect(foreignRefusalOf(await drf('POST register/', sent))).toBe(said('password'))
    }

    await givenVerified(server, { username, email, password: owner.password, ...names })
    const login = { username, password: owner.password }
    const { body } = await simpleJwt('POST login/', login)
    const old = { old_password: owner.password, new_password: password }
    expect(foreignRefusalOf(await simpleJwt('POST change-password/', old, body.access))).toBe(said('new_password'))
    const current = { current_password: owner.password, new_password: password }
    expect(foreignRefusalOf(await drf('POST change-password/', current, body.access))).toBe(said('new_password'))
    await restAuth('POST password-reset/', { email })
    const path = new URL(await givenLink(server, email, /reset/i)).pathname.slice('/api/auth/'.length)
    expect(foreignRefusalOf(await restAuth(`PATCH ${path}`, { password }))).toBe(said('password'))
    const token = path.split('/')[2]
    const confirmed = { token, new_password: password, new_password_confirm: password }
    expect(foreignRefusalOf(await restAuth('POST password/reset/confirm/', confirmed))).toBe(said('new_password'))
    expect((await simpleJwt('POST login/', login)).status).toBe(200)
  })

  it('the name that is displayed is refused when it is changed and when it is reset', async () => {
    const user = await givenUser(server)
    const token = user.access_token
    await server.send('PATCH', '/profile', { body: { display_name: 'Captain Birdseye' }, token })
    const body = { current_password: user.password, new_password: 'birdseye1' }
    const change = await server.send('POST', '/change_password', { body, token })
    expect(change.body.errors).toEqual([
      { pointer: '#/new_password', code: 'password_personal', detail: 'must not be too similar to the display name' },
    ])
  })

  it('accepts a password similar to a generated username, which is random', async () => {
    const drf = client(() => server, '/api/v1/drf/auth')
    const { email, password } = randomOwner()
    const names = { first_name: 'Wilhelmina', last_name: 'Duijvenbode' }
    const { body } = await drf('POST register/', { email, password, password_confirm: password, ...names })
    const { username } = await server.database.db.user.findUniqueOrThrow({ where: { id: body.user.id } })
    const change = async (next: string) =>
      (await drf('POST change-password/', { current_password: password, new_password: next }, body.access_token)).status
    expect(await change(username)).toBe(400)
    expect(await change(`${username}!`)).toBe(400)
    expect(await change(reversed(username))).toBe(200)
  })

  it.each([
    ['begins with the username', ({ username }: Owner) => `${username} and some more words`],
    ['shares some letters with the names', () => 'will he dive in bed'],
  ])('nothing of its owner, although it %s, is accepted', async (_what, passwordOf) => {
    const { display_name, ...owner } = randomOwner()
    const answer = await server.send('POST', '/register_credentials', {
      body: { ...owner, password: passwordOf({ ...owner, display_name }) },
    })
    expect(answer.status).toBe(201)
  })
})

describe('a registration that is completed', () => {
  it('with a new password compares it with the names that were registered, and with the username that is chosen now', () =>
    withServer({ EMAIL_VERIFICATION: 'required' }, async (strict) => {
      const { display_name, ...owner } = randomOwner()
      const { token } = await givenRegistration(strict, owner)
      const verify = (body: object) => strict.send('POST', '/verify_email', { body: { token, ...body } })
      const chosen = `queen_of_quizzing_${owner.username.slice(1, 7)}`
      for (const body of [
        { new_password: 'wilhelmina7' },
        { new_password: 'Duijvenbode!' },
        { new_password: owner.username },
        { username: chosen, new_password: reversed(chosen) },
      ]) {
        expect(refusalOf(await verify(body))).toBe('400 invalid_request #/new_password password_personal')
      }
      expect((await verify({ username: chosen, new_password: owner.username })).status).toBe(200)
    }))

  it('with its own password refuses a username that is similar to it', () =>
    withServer({ EMAIL_VERIFICATION: 'required' }, async (strict) => {
      const credentials = await givenRegistration(strict, { password: 'a stapled trombone' })
      const verify = (username: string, password = credentials.password) =>
        strict.send('POST', '/verify_email', { body: { token: credentials.token, password, username } })
      const refusal = '400 invalid_request #/password password_personal'
      expect(refusalOf(await verify('a.stapled.trombone'))).toBe(refusal)
      // The same answer for a password that is not the registration's, so it reveals nothing.
      expect(refusalOf(await verify('another.word', 'another word'))).toBe(refusal)
      expect((await verify(randomUser().username)).status).toBe(200)
    }))
})

describe('a password of digits', () => {
  it.each(['70918264357', '٣٩٢٧٥١٨٤٦٠', '７０９１８２６４３５'])('is refused: %s', async (password) => {
    const answer = await server.send('POST', '/register_credentials', {
      body: { ...randomUserWithoutDigits(), password },
    })
    expect(refusalOf(answer)).toBe('400 invalid_request #/password password_numeric')
    const { username, email } = randomUserWithoutDigits()
    const foreign = await client(() => server, '/api')('POST register/', { username, email, password })
    expect(foreignRefusalOf(foreign)).toBe(django.fields({ password: ['This password is entirely numeric.'] }))
  })

  it('is accepted with any other character in it', async () => {
    const answer = await server.send('POST', '/register_credentials', {
      body: { ...randomUserWithoutDigits(), password: '7091 8264 357' },
    })
    expect(answer.status).toBe(201)
  })
})

describe('a common password', () => {
  // The list that was used before had none of these.
  it.each(['password1234', 'sparkles1', 'stella123', 'Snowboard1', ' iloveyou2 ', 'fu7u4a#$$$'])(
    'is refused in any case and between spaces: %j',
    async (password) => {
      const answer = await server.send('POST', '/register_credentials', { body: { ...randomUser(), password } })
      expect(refusalOf(answer)).toBe('400 invalid_request #/password password_common')
    },
  )

  it('is each entry of the list of Django', () => {
    const policy = createPasswordPolicy({ minLength: 8 })
    const owner = { username: 'x', email: 'x', firstName: '', lastName: '' }
    const passwords = gunzipSync(readFileSync('data/common-passwords.txt.gz')).toString().trim().split('\n')
    const taken = passwords.filter((password) => {
      try {
        policy.check(password, 'password', owner)
        return true
      } catch {
        return false
      }
    })
    expect([passwords.length, taken]).toEqual([19_727, []])
  })

  it.each([
    'yourpassword',
    'yournewpassword',
    'securepassword123',
    'newsecurepassword123',
    'newpassword123',
    'oldpassword',
  ])('is none that a published service prints in its examples: %s', async (password) => {
    const answer = await server.send('POST', '/register_credentials', { body: { ...randomUser(), password } })
    expect(answer.status).toBe(201)
  })
})

describe('a password with several faults', () => {
  it('is refused with all of them, in the order of Django', async () => {
    const { username, email } = { ...randomUser(), username: `90817${Date.now() % 10}` }
    const register = client(() => server, '/api')
    const answer = await register('POST register/', { username, email, password: username })
    expect(foreignRefusalOf(answer)).toBe(
      django.fields({
        password: [
          message('username'),
          'This password is too short. It must contain at least 8 characters.',
          'This password is entirely numeric.',
        ],
      }),
    )
    const own = await server.send('POST', '/register_credentials', { body: { ...randomUser(), password: '12345678' } })
    expect(refusalOf(own)).toBe('400 invalid_request #/password password_common #/password password_numeric')
  })
})
