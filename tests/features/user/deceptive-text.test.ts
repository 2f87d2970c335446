import { refusalOf } from '../../support/answers.ts'
import { exchange } from '../../support/exchange.ts'
import { givenUser, givenVerifiedUser, mailsTo, randomUser } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const nameFields = ['first_name', 'last_name', 'display_name'] as const

/** With these, readers would see another name than the stored one, or other text around it. */
const deceptive = [
  ['a right-to-left override', 'Ada\u202egnp.exe'],
  ['a left-to-right override', 'Ada\u202d'],
  ['an embedding', '\u202bAda'],
  ['an isolate without an end', '\u2067Ada'],
  ['the end of an isolate of another text', 'Ada\u2069'],
  ['a line separator', 'Ada\u2028Lovelace'],
  ['a paragraph separator', 'Ada\u2029Lovelace'],
  ['a zero-width space', 'Ad\u200ba'],
  ['a word joiner', 'Ad\u2060a'],
  ['a byte order mark', 'Ad\ufeffa'],
  ['a soft hyphen', 'Ad\u00ada'],
  ['a Hangul filler', 'Ad\u3164a'],
  ['tag characters', 'Ada\u{e0041}\u{e0042}'],
  ['an interlinear annotation', 'Ad\ufff9a\ufffb'],
  ['nothing but joiners', '\u200d\u200c'],
  ['nothing but directional marks', '\u200f'],
  ['nothing but spaces of another kind and a joiner', '\u2003\u200d'],
  ['nothing but Braille without dots', '\u2800\u2800'],
  ['nothing but a note without a head', '\u{1d159}'],
] as const

/** Real names and their usual spellings. */
const honest = [
  ['Hebrew', 'עדה לאבלייס'],
  ['Arabic with a mark of direction', 'آدا\u200f (Ada)'],
  ['Persian with a non-joiner', 'می\u200cنا'],
  ['Sinhala with a joiner', 'ශ්\u200dරී'],
  ['Japanese with a variant', '葛\u{e0100}城'],
  ['an emoji of several', 'Ada 👩\u200d💻\ufe0f'],
  ['accents of their own', 'Zoe\u0308'],
  ['an apostrophe, a hyphen, a full stop', 'O’Neil-Smith Jr.'],
  ['Braille', '⠁\u2800⠃'],
  ['nothing', ''],
] as const

describe('a profile', () => {
  it.each(deceptive)('refuses a name that holds %s', async (_what, name) => {
    const { access_token } = await givenVerifiedUser(server)
    for (const field of nameFields) {
      const answer = await server.send('PATCH', '/profile', { token: access_token, body: { [field]: name } })
      expect(refusalOf(answer)).toMatch(
        new RegExp(`^400 invalid_request #/${field} (deceptive_character|invisible_text)$`),
      )
      const body = { ...randomUser(), [field]: name }
      if (field !== 'display_name') {
        expect(refusalOf(await server.send('POST', '/register_credentials', { body }))).toMatch(`#/${field} `)
      }
    }
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${access_token}` }
    for (const [method, path] of [
      ['PUT', '/api/auth/profile/'],
      ['PATCH', '/api/v1/drf/auth/me/'],
    ] as const) {
      const answer = await exchange(server.url, path, { method, headers, body: JSON.stringify({ first_name: name }) })
      expect([answer.status, Object.keys(answer.body)]).toEqual([400, ['first_name']])
    }
    expect((await server.send('GET', '/profile', { token: access_token })).body.full_name).toBe('')
  })

  it.each(honest)('accepts a name in %s unchanged', async (_what, name) => {
    const { access_token } = await givenUser(server)
    for (const field of nameFields) {
      const { status, body } = await server.send('PATCH', '/profile', { token: access_token, body: { [field]: name } })
      expect([status, field === 'display_name' && name === '' ? '' : body[field]]).toEqual([200, name])
    }
  })
})

describe('an address', () => {
  it.each([
    ['a Cyrillic letter', (name: string) => `\u0430${name}@example.com`],
    ['a mail of full width', (name: string) => `\uff41${name}@example.com`],
    ['the Kelvin sign', (name: string) => `\u212a${name}@example.com`],
    ['a dotless i', (name: string) => `${name}\u0131@example.com`],
    ['a full-width @', (name: string) => `${name}\uff20example.com`],
    ['a full-width full stop', (name: string) => `${name}\uff0ex@example.com`],
    ['a zero-width space', (name: string) => `${name}\u200b@example.com`],
    ['a right-to-left override', (name: string) => `\u202e${name}@example.com`],
  ])('with %s is refused, and no mail is sent', async (_what, write) => {
    const user = await givenUser(server)
    const before = await mailsTo(server, user.email)
    const email = write(user.username)
    for (const path of ['/forgot_password', '/resend_verification']) {
      expect(refusalOf(await server.send('POST', path, { body: { email } }))).toMatch(/^400 invalid_request #\/email /)
    }
    const register = await server.send('POST', '/register_credentials', { body: { ...randomUser(), email } })
    expect(refusalOf(register)).toMatch(/^400 invalid_request #\/email /)
    for (const path of ['/api/auth/password-reset/', '/api/auth/password/reset/request/']) {
      const headers = { 'Content-Type': 'application/json' }
      const answer = await exchange(server.url, path, { method: 'POST', headers, body: JSON.stringify({ email }) })
      expect([answer.status, Object.keys(answer.body)]).toEqual([400, ['email']])
    }
    expect(await mailsTo(server, user.email)).toEqual(before)
  })
})

describe('a domain of letters that look alike', () => {
  it.each([
    ['a Cyrillic letter', 'ex\u0430mple.com', 'xn--exmple-4nf.com'],
    ['a dotless i', '\u0131example.com', 'xn--example-qfb.com'],
    ['an accent', 'éxample.com', 'xn--xample-9ua.com'],
  ])(
    'with %s is another one, shows it in its ASCII form, and gets no mail for the first',
    async (_what, alike, shown) => {
      const user = await givenUser(server)
      const before = await mailsTo(server, user.email)
      const email = `${user.username}@${alike}`
      await server.send('POST', '/forgot_password', { body: { email } })
      expect(await mailsTo(server, user.email)).toEqual(before)
      const other = await server.send('POST', '/register_credentials', { body: { ...randomUser(), email } })
      expect([other.status, other.body.user.email]).toEqual([201, `${user.username}@${shown}`])
      await server.send('POST', '/forgot_password', { body: { email } })
      expect(await mailsTo(server, user.email)).toEqual(before)
    },
  )
})

describe('a username', () => {
  it('in look-alike letters of another script is another username, without access to the first account', async () => {
    const user = await givenUser(server)
    const alike = user.username.replace(/^p/, '\u0440')
    expect(alike).not.toBe(user.username)
    const answer = await server.send('POST', '/login_credentials', {
      body: { username: alike, password: user.password },
    })
    expect(refusalOf(answer)).toBe('401 credentials_invalid')
    const other = await givenUser(server, { username: alike })
    expect(other.id).not.toBe(user.id)
  })

  it('of other widths is the same one', async () => {
    const user = await givenUser(server)
    const wide = user.username.replace(/^p/, '\uff50')
    const answer = await server.send('POST', '/register_credentials', { body: { ...randomUser(), username: wide } })
    expect(refusalOf(answer)).toBe('400 username_taken #/username username_taken')
  })
})
