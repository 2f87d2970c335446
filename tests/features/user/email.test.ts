import type { Response } from 'supertest'
import { refusalOf } from '../../support/answers.ts'
import { givenRegistration, givenUser, logIn, mailsTo, randomUser } from '../../support/fixtures.ts'
import { call } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const { password } = randomUser()
const register = (credentials: object): Promise<Response> =>
  server.send('POST', '/register_credentials', { body: { ...randomUser(), ...credentials } })

/** A new address with this in its local part and that domain. */
const address = (local: string, domain: string) => `${randomUser().username}${local}@${domain}`

/** As typed, and as stored. */
const domains: readonly (readonly [typed: string, kept: string])[] = [
  ['münchen.example', 'xn--mnchen-3ya.example'],
  ['MÜNCHEN.example', 'xn--mnchen-3ya.example'],
  ['mu\u0308nchen.example', 'xn--mnchen-3ya.example'],
  ['XN--mnchen-3ya.EXAMPLE', 'xn--mnchen-3ya.example'],
  ['straße.example', 'xn--strae-oqa.example'],
  ['россия.рф', 'xn--h1alffa9f.xn--p1ai'],
  ['почта.россия.рф', 'xn--80a1acny.xn--h1alffa9f.xn--p1ai'],
  ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
  ['ｅｘａｍｐｌｅ.com', 'example.com'],
  ['exam\u00adple.com', 'example.com'],
]

describe('an address', () => {
  it.each(['r&d', 'a=b', '/x', 'x~', 'x%y', '#', '!', '?', '{x}|', '^`', '$x', "o'", '*+', '-', '_.-', '.x'])(
    'may have %s before the @, and gets its mails',
    async (local) => {
      const email = address(`${local}z`, 'example.com')
      const { status, body } = await register({ email })
      expect([status, body.user?.email]).toEqual([201, email])
      expect((await logIn(server, email.toUpperCase(), password)).body.user.id).toBe(body.user.id)
      await server.send('POST', '/forgot_password', { body: { email } })
      expect(await mailsTo(server, email)).toHaveLength(2)
    },
  )

  it.each(domains)('at %j is kept, compared and mailed at %s', async (typed, kept) => {
    const email = address('', typed)
    const stored = `${email.split('@')[0]}@${kept}`
    const { status, body } = await register({ email })
    expect([status, body.user?.email]).toEqual([201, stored])
    for (const spelling of [email, stored, stored.toUpperCase()]) {
      expect((await logIn(server, spelling, password)).body.user.id).toBe(body.user.id)
      expect(refusalOf(await register({ email: spelling }))).toBe('400 email_taken #/email email_taken')
    }
    await server.send('POST', '/forgot_password', { body: { email } })
    expect(await mailsTo(server, stored)).toHaveLength(2)
  })

  it.each([
    ['a dot first', '.ada@example.com'],
    ['two dots in a row', 'ada..l@example.com'],
    ['a dot before the @', 'ada.@example.com'],
    ['nothing before the @', '@example.com'],
    ['quotes', '"ada lovelace"@example.com'],
    ['a mail beyond ASCII before the @', 'adà@example.com'],
    ['a long s before the @', 'ada\u017f@example.com'],
    ['a host without a domain', 'ada@localhost'],
    ['an address literal', 'ada@[IPv6:::1]'],
    ['an IP address', 'ada@127.0.0.1'],
    ['an IP address in full-width digits', 'ada@１２７.０.０.１'],
    ['a number as the last label', 'ada@example.123'],
    ['a last label of one letter', 'ada@example.c'],
    ['an underscore in the domain', 'ada@a_b.com'],
    ['a hyphen at the begin of a label', 'ada@-a.com'],
    ['a hyphen at the end of a label', 'ada@a-.com'],
    ['a label of 64 characters', `ada@${'a'.repeat(64)}.com`],
    ['a dot at the end', 'ada@example.com.'],
    ['an ideographic full stop at the end', 'ada@example.com。'],
    ['two dots in the domain', 'ada@example..com'],
    ['an escape in the domain', 'ada@ex%61mple.com'],
    ['a full-width percent sign in the domain', 'ada@ex％61mple.com'],
    ['a full-width slash in the domain', 'ada@example.com／x.org'],
    ['a port', 'ada@example.com:25'],
    ['a sign that stands for a/c', 'ada@example.com℀.org'],
    ['a no-break space in the domain', 'ada@ex\u00a0ample.com'],
    ['punycode that decodes to nothing', 'ada@xn--.com'],
    ['punycode that cannot be decoded', 'ada@xn--999999999.com'],
    ['punycode of what is no mail of a domain', 'ada@xn--0.pt'],
    ['a joiner where none can be', 'ada@a\u200db.com'],
    ['a second address', 'ada@example.com,eve@ümlaut.example'],
    ['a line that is added', 'ada@example.com\u2028Bcc:eve@example.com'],
  ])('may not have %s', async (_what, email) => {
    expect(refusalOf(await register({ email }))).toBe('400 invalid_request #/email invalid_format')
    for (const path of ['/forgot_password', '/resend_verification']) {
      const answer = await server.send('POST', path, { body: { email } })
      expect(refusalOf(answer)).toBe('400 invalid_request #/email invalid_format')
    }
  })

  it('has 254 characters at most with its domain in ASCII', async () => {
    const labels = (count: number) => `${Array(count).fill('ü'.repeat(20)).join('.')}.example`
    expect((await register({ email: address('', labels(4)) })).status).toBe(201)
    expect(refusalOf(await register({ email: address('', labels(9)) }))).toBe('400 invalid_request #/email too_big')
  })

  it.each([
    ['POST', '/api/auth/register/', (email: string) => ({ ...randomUser(), email })],
    ['POST', '/api/register/', (email: string) => ({ ...randomUser(), email })],
    [
      'POST',
      '/api/v1/drf/auth/register/',
      (email: string) => ({ email, password, password_confirm: password, first_name: 'A', last_name: 'B' }),
    ],
  ])('is kept in ASCII by every contract: %s %s', async (method, path, bodyOf) => {
    const email = address("&o'", 'bücher.example')
    const { status, body } = await call(server, { method, path, body: bodyOf(email) })
    expect([status, body.email ?? body.user.email]).toEqual([201, email.replace('bücher', 'xn--bcher-kva')])
  })
})

describe('an address as a username', () => {
  it('is its owner’s only, in either spelling of the domain', async () => {
    for (const [typed, kept] of domains.filter(([domain]) => !/[ß。\u00ad]/.test(domain))) {
      const email = address('', typed)
      const stored = `${email.split('@')[0]}@${kept}`
      for (const username of [email, stored]) {
        expect(refusalOf(await register({ username }))).toBe('400 username_is_address #/username username_is_address')
      }
      const { body } = await register({ username: email, email: stored })
      expect((await logIn(server, email, password)).body.user.id).toBe(body.user.id)
    }
  })

  it('cannot become the address of another user when it is folded', async () => {
    const own = address('', 'strasse.example')
    const username = own.replace('strasse', 'straße')
    expect(refusalOf(await register({ username, email: own }))).toBe(
      '400 username_is_address #/username username_is_address',
    )
  })

  // Only the account of the address can have the name, so "taken" would reveal the account.
  it('reveals no account where verification is required, in either spelling', async () => {
    await withServer({ EMAIL_VERIFICATION: 'required' }, async (strict) => {
      const email = address('', 'bücher.example')
      const stored = email.replace('bücher', 'xn--bcher-kva')
      const { token } = await givenRegistration(strict, { username: email, email: stored })
      expect((await strict.send('POST', '/verify_email', { body: { token, password } })).status).toBe(200)
      for (const username of [email, stored]) {
        const answer = await strict.send('POST', '/register_credentials', { body: { username, email, password } })
        expect([answer.status, answer.body.verification_required]).toEqual([201, true])
      }
    })
  })
})

it('a login by an address never reaches an account that has it as a username from before', async () => {
  const username = address('', 'bücher.example')
  const user = await givenUser(server)
  await server.database.db.user.update({
    where: { id: user.id },
    data: { username, usernameKey: username },
  })
  const owner = await givenUser(server, { email: username, password: 'the password of the owner' })
  expect(refusalOf(await logIn(server, username, user.password))).toBe('401 credentials_invalid')
  expect((await logIn(server, username, owner.password)).body.user.id).toBe(owner.id)
  expect((await logIn(server, user.email, user.password)).body.user.id).toBe(user.id)
})
