import { keysOf, pairKeys, refusalOf, secondsBetween, shownUser, times, uuid } from '../../support/answers.ts'
import type { Credentials } from '../../support/fixtures.ts'
import { givenUser, logIn, mailsTo, randomUser, randomUserWithoutDigits, recordedBy } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const register = (credentials: Partial<Credentials> & Record<string, unknown> = {}) =>
  server.send('POST', '/register_credentials', { body: { ...randomUser(), ...credentials } })
const countUsers = (where: { username?: string; email?: string }) => server.database.db.user.count({ where })

/** An e-mail address with so many characters in all and before the @. */
function addressOf(length: number, localLength: number): string {
  const local = randomUser().username.padEnd(localLength, 'x')
  const domain = '.com'.padStart(length - localLength - 1, 'd').replaceAll(/d{50}(?=d)/g, `${'d'.repeat(49)}.`)
  return `${local}@${domain}`
}

describe('POST /register_credentials', () => {
  it('answers with the token pair and the user, and nothing else', async () => {
    const credentials = randomUser()
    const before = server.now().toISOString()
    const { status, body } = await register({ ...credentials })
    expect(status).toBe(201)
    expect(keysOf(body)).toEqual([...pairKeys, 'user'].sort())
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_expires_in: 604_800 })
    expect(body.user).toEqual(shownUser(credentials))
    expect(secondsBetween(before, body.user.date_joined)).toBe(0)
  })

  it('opens a session that works', async () => {
    const user = await givenUser(server)
    const { status, body } = await server.send('GET', '/session', { token: user.access_token })
    expect([status, body.user.id]).toEqual([200, user.id])
    const refreshed = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    expect(refreshed.status).toBe(200)
  })

  it('keeps the profile fields, without the spaces around them', async () => {
    const { status, body } = await register({
      first_name: ' Ada ',
      last_name: 'Lovelace-Kıng',
      phone_number: ' +44 20 7946 0018 ',
      timezone: 'Europe/London',
    })
    expect(status).toBe(201)
    expect(body.user).toMatchObject({
      first_name: 'Ada',
      last_name: 'Lovelace-Kıng',
      full_name: 'Ada Lovelace-Kıng',
      display_name: 'Ada Lovelace-Kıng',
      phone_number: '+442079460018',
      phone_number_verified: false,
      timezone: 'Europe/London',
    })
  })

  it.each([
    [{ timezone: 'Mars/Olympus' }, '#/timezone invalid_value'],
    [{ timezone: '+01:00' }, '#/timezone invalid_value'],
    [{ phone_number: 'call me' }, '#/phone_number invalid_format'],
    [{ phone_number: '12' }, '#/phone_number phone_country_missing'],
    [{ phone_number: '1'.repeat(65) }, '#/phone_number too_big'],
    [{ first_name: 'x'.repeat(151) }, '#/first_name too_big'],
    [{ is_staff: true }, '#/is_staff unknown_field'],
    [{ display_name: 'Ada' }, '#/display_name unknown_field'],
  ])('refuses %j', async (fields, issue) => {
    const credentials = randomUser()
    expect(refusalOf(await register({ ...credentials, ...fields }))).toBe(`400 invalid_request ${issue}`)
    expect(await countUsers({ username: credentials.username })).toBe(0)
  })

  it('names every field that is missing', async () => {
    const answer = await server.send('POST', '/register_credentials', { body: {} })
    expect(refusalOf(answer)).toBe('400 invalid_request #/username required #/email required #/password required')
  })

  it('mails a verification link to the address, without a word that the registrant chose', async () => {
    const credentials = { ...randomUser(), first_name: 'Visit-evil', last_name: 'Example-dot-com' }
    await register(credentials)
    const mails = await mailsTo(server, credentials.email)
    expect(mails.map(({ subject }) => subject)).toEqual(['Verify your e-mail address'])
    const whole = JSON.stringify({ ...mails[0], recipient: '' })
    for (const word of [credentials.username, credentials.first_name, credentials.last_name])
      expect(whole).not.toContain(word)
    expect(mails[0]?.text).toMatch(/http:\/\/localhost:3000\/verify-email#token=[\w-]{43}\n/)
  })

  it('records who registered, when and from where', async () => {
    const credentials = randomUser()
    const events = await recordedBy(server, 'POST', '/register_credentials', { body: credentials })
    const { id } = await server.database.db.user.findUniqueOrThrow({ where: { email: credentials.email } })
    expect(events).toEqual([
      { type: 'user_registered', userId: id, sessionId: null, details: {} },
      { type: 'login_succeeded', userId: id, sessionId: expect.stringMatching(uuid), details: {} },
    ])
  })

  it('keeps the password as a tagged bcrypt hash', async () => {
    const user = await givenUser(server)
    const stored = await server.database.db.password.findUniqueOrThrow({ where: { userId: user.id } })
    expect(stored.hash).toMatch(/^bcrypt-sha384\$none\$2b\$04\$[./A-Za-z0-9]{53}$/)
    expect(stored.version).toBe(1)
  })
})

describe('POST /register_credentials, the username', () => {
  it('is kept as it was typed, in its compatible form', async () => {
    const { username } = randomUser()
    const { body } = await register({ username: `Ａ${username}Ω` })
    expect(body.user.username).toBe(`A${username}Ω`)
  })

  it.each([
    ['in another case', (name: string) => name.toUpperCase()],
    [
      'in another width',
      (name: string) => name.replaceAll(/[a-z]/g, (c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0)),
    ],
    ['in another width and case', (name: string) => name.replace('p', 'Ｐ')],
  ])('is unique, also %s', async (_how, rewrite) => {
    const user = await givenUser(server)
    const username = rewrite(user.username)
    expect(username).not.toBe(user.username)
    expect(refusalOf(await register({ username }))).toBe('400 username_taken #/username username_taken')
  })

  it.each([
    ['straße', 'STRASSE'],
    ['ὀδυσσεύς', 'ὈΔΥΣΣΕΎΣ'],
    ['İstanbul', 'i\u0307stanbul'],
  ])('%s and %s are one name', async (one, other) => {
    const { username } = randomUser()
    expect((await register({ username: one + username })).status).toBe(201)
    expect(refusalOf(await register({ username: other + username }))).toBe(
      '400 username_taken #/username username_taken',
    )
  })

  it.each(['\u3164', '\u115f', '\u034f', '\ufe0f', '\u200d', '\u00ad'])(
    'holds no character that cannot be seen: %j',
    async (character) => {
      expect(refusalOf(await register({ username: `${randomUser().username}${character}` }))).toBe(
        '400 invalid_request #/username invalid_format',
      )
    },
  )

  it('does not begin with a mark', async () => {
    expect(refusalOf(await register({ username: `\u0300${randomUser().username}` }))).toBe(
      '400 invalid_request #/username invalid_format',
    )
  })

  it.each(['A', 'ünïcødé', '李四', 'a.b-c_d+e', '٣٤', 'x'.repeat(138)])('may begin with %s', async (text) => {
    const username = `${text}${randomUser().username.slice(1)}`
    const { status, body } = await register({ username })
    expect([status, body.user?.username]).toEqual([201, username])
  })

  it.each([
    ['x'.repeat(151), 'too_big'],
    // Fifty ligatures of four letters each.
    ['\ufdf2'.repeat(50), 'too_big'],
    ['ada lovelace', 'invalid_format'],
    ['ada/lovelace', 'invalid_format'],
    ['<b>ada</b>', 'invalid_format'],
    ['ada\u202elove', 'invalid_format'],
    ['ada\u200blove', 'invalid_format'],
    ['ada😀', 'invalid_format'],
  ])('may not be %j', async (username, code) => {
    const answer = await server.send('POST', '/register_credentials', { body: { ...randomUser(), username } })
    expect(refusalOf(answer)).toBe(`400 invalid_request #/username ${code}`)
  })

  it("may be the registrant's own address, in any case", async () => {
    const { email, password } = randomUser()
    const username = email.toUpperCase()
    const { status, body } = await register({ username, email, password })
    expect([status, body.user.username]).toEqual([201, username])
    expect((await logIn(server, email, password)).body.user.id).toBe(body.user.id)
  })

  it('may not be the address of another user, whether that has an account or not', async () => {
    const user = await givenUser(server)
    for (const username of [user.email, user.email.toUpperCase(), randomUser().email]) {
      expect(refusalOf(await register({ username }))).toBe('400 username_is_address #/username username_is_address')
    }
  })

  // They fold to the address, so the owner could not take it as username any more.
  it.each([
    ['a dotless i', 'ı', 'i'],
    ['a sharp s', 'ß', 'ss'],
  ])('may not be the address of another user with %s in it', async (_name, mail, folded) => {
    const name = randomUser().username.replaceAll(/[^a-z0-9]/gi, '')
    const email = `${name}${folded}@example.com`
    const imitation = await register({ username: `${name}${mail}@example.com` })
    expect(refusalOf(imitation)).toBe('400 username_is_address #/username username_is_address')
    expect((await register({ username: email, email })).status).toBe(201)
  })

  it('goes to exactly one of 50 parallel requests; the others are told and leave nothing behind', async () => {
    const { username } = randomUser()
    const credentials = Array.from({ length: 50 }, () => ({ ...randomUser(), username }))
    const answers = await times(50, (index) => register(credentials[index]))
    const refused = answers.flatMap((answer, index) =>
      answer.status === 201 ? [] : [{ answer, email: credentials[index]?.email ?? '' }],
    )
    expect(refused).toHaveLength(49)
    for (const { answer } of refused) expect(refusalOf(answer)).toBe('400 username_taken #/username username_taken')
    const emails = refused.map(({ email }) => email)
    expect(await server.database.db.user.count({ where: { email: { in: emails } } })).toBe(0)
    expect(await server.database.db.outboxMail.count({ where: { recipient: { in: emails } } })).toBe(0)
    expect(await countUsers({ username })).toBe(1)
  })
})

describe('POST /register_credentials, the address', () => {
  it('is kept and compared in lower case', async () => {
    const credentials = randomUser()
    const { body } = await register({ ...credentials, email: credentials.email.toUpperCase() })
    expect(body.user.email).toBe(credentials.email)
    expect(refusalOf(await register({ email: credentials.email }))).toBe('400 email_taken #/email email_taken')
    expect(refusalOf(await register({ email: `P${credentials.email.slice(1)}` }))).toBe(
      '400 email_taken #/email email_taken',
    )
  })

  it('goes to exactly one of 50 parallel requests, and that one gets one mail', async () => {
    const { email } = randomUser()
    const answers = await times(50, () => register({ email }))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(refusalOf(answer)).toBe('400 email_taken #/email email_taken')
    }
    expect(await countUsers({ email })).toBe(1)
    expect(await mailsTo(server, email)).toHaveLength(1)
  })

  it.each([
    ['64 characters before the @', addressOf(100, 64)],
    ['254 characters', addressOf(254, 64)],
    ['a tag', `ada+${randomUser().username}@example.com`],
    ['an apostrophe', `o'${randomUser().username}@example.com`],
    ['every character of an atom', `!#$%&'*+/=?^_\`{|}~-.${randomUser().username}@example.com`],
    ['a top-level domain in punycode', `${randomUser().username}@xn--e1afmkfd.xn--p1ai`],
  ])('may have %s', async (_what, email) => {
    const { status, body } = await register({ email })
    expect([status, body.user?.email]).toEqual([201, email])
  })

  it.each([
    ['65 characters before the @', addressOf(100, 65), 'invalid_value'],
    ['255 characters', addressOf(255, 64), 'too_big'],
    ['a Kelvin sign', `\u212a${randomUser().email}`, 'invalid_format'],
    ['a mail beyond ASCII', `é${randomUser().email}`, 'invalid_format'],
    ['a full-width @', 'ada＠example.com', 'invalid_format'],
    ['a second address', 'ada@example.com,eve@example.com', 'invalid_format'],
    ['a second @', 'ada@eve@example.com', 'invalid_format'],
    ['a name', 'Ada <ada@example.com>', 'invalid_format'],
    ['a comment', 'ada(comment)@example.com', 'invalid_format'],
    ['quotes', '"ada"@example.com', 'invalid_format'],
    ['spaces around it', ' ada@example.com ', 'invalid_format'],
    ['no domain', 'ada@', 'invalid_format'],
    ['no dot in the domain', 'ada@localhost', 'invalid_format'],
    ['an address literal', 'ada@[127.0.0.1]', 'invalid_format'],
  ])('may not have %s', async (_what, email, code) => {
    expect(refusalOf(await register({ email }))).toBe(`400 invalid_request #/email ${code}`)
  })
})

describe('POST /register_credentials, the password', () => {
  it.each([
    ['8 characters', 'hrk5 wq~'],
    ['128 characters', 'hrk5 wq~'.repeat(16)],
    ['8 emoji', '🐎🔋📎🧷🦑🪐🧊🎻'],
    ['128 emoji, which are 512 bytes', '🐎'.repeat(128)],
    ['128 characters that are 256 before they are composed', 'e\u0301'.repeat(128)],
    ['spaces only', ' '.repeat(9)],
  ])('may have %s', async (_what, password) => {
    const credentials = { ...randomUser(), password }
    expect((await register(credentials)).status).toBe(201)
    expect((await logIn(server, credentials.username, password)).status).toBe(200)
  })

  it.each([
    ['7 characters', 'hrk5 wq', 'too_small'],
    ['7 emoji, which are 14 UTF-16 units', '🐎🔋📎🧷🦑🪐🧊', 'too_small'],
    ['7 characters that are 14 before they are composed', 'e\u0301'.repeat(7), 'too_small'],
    ['129 characters', `${'hrk5 wq~'.repeat(16)}x`, 'too_big'],
    ['129 emoji', '🐎'.repeat(129), 'too_big'],
    ['more than 512 bytes', 'e\u0301'.repeat(180), 'too_big'],
    ['10,000 characters', 'x'.repeat(10_000), 'too_big'],
    ['a common password', 'password1', 'password_common'],
    ['a common password in another case', 'PassWord1', 'password_common'],
    ['a common password of digits', '1234567890', 'password_common #/password password_numeric'],
  ])('may not have %s', async (_what, password, code) => {
    const credentials = randomUserWithoutDigits()
    const answer = await server.send('POST', '/register_credentials', { body: { ...credentials, password } })
    expect(refusalOf(answer)).toBe(`400 invalid_request #/password ${code}`)
    expect(await countUsers({ username: credentials.username })).toBe(0)
  })

  it('may not be the username, the address or what stands before its @, in any case', async () => {
    const { username } = randomUser()
    const email = `local-${username}@example.com`
    for (const password of [username, email, `local-${username}`]) {
      for (const typed of [password, password.toUpperCase()]) {
        const answer = await register({ username, email, password: typed })
        expect(refusalOf(answer)).toBe('400 invalid_request #/password password_personal')
      }
    }
    expect((await register({ username, email, password: `${username} and some more words` })).status).toBe(201)
  })

  it('is the same however its accents were composed', async () => {
    const composed = await givenUser(server, { password: 'caf\u00e9 cr\u00e8me br\u00fbl\u00e9e' })
    expect((await logIn(server, composed.username, composed.password.normalize('NFD'))).status).toBe(200)
    const decomposed = await givenUser(server, { password: composed.password.normalize('NFD') })
    expect((await logIn(server, decomposed.username, composed.password)).status).toBe(200)
  })

  it('keeps its spaces, its case and its width', async () => {
    const user = await givenUser(server, { password: ' Correct Horse  Battery ' })
    for (const other of [
      'Correct Horse  Battery',
      ' Correct Horse Battery ',
      ' correct horse  battery ',
      ' Ｃorrect Horse  Battery ',
    ]) {
      expect(refusalOf(await logIn(server, user.username, other))).toBe('401 credentials_invalid')
    }
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
  })

  it('has to be as long as the settings say', async () => {
    await withServer({ ...server.settings, PASSWORD_MIN_LENGTH: '20' }, async (demanding) => {
      const send = (password: string) =>
        demanding.send('POST', '/register_credentials', { body: { ...randomUser(), password } })
      expect(refusalOf(await send('nineteen characters'))).toBe('400 invalid_request #/password too_small')
      expect((await send('nineteen characters+')).status).toBe(201)
    })
  })
})
