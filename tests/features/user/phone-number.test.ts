import { refusalOf } from '../../support/answers.ts'
import { foreignRefusalOf } from '../../support/error-formats.ts'
import type { User } from '../../support/fixtures.ts'
import { givenUser, givenVerifiedUser, randomUser } from '../../support/fixtures.ts'
import { call } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
/** On the same database, where numbers are British unless they say otherwise. */
let british: TestServer
let user: User
beforeAll(async () => {
  server = await startServer()
  british = await startServer({ ...server.settings, PHONE_DEFAULT_COUNTRY: 'GB' })
  user = await givenVerifiedUser(server)
})
afterAll(async () => {
  await Promise.all([server.close(), british.close()])
})

const change = (phone_number: string, on = server) =>
  on.send('PATCH', '/profile', { token: user.access_token, body: { phone_number } })
const stored = async () => (await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })).phoneNumber

describe('a phone number', () => {
  it.each([
    ['with spaces', '+44 20 7946 0018', '+442079460018'],
    ['with the zero that is dialled at home', '+44 (0)20 7946-0018', '+442079460018'],
    ['with the country in brackets', '(+44) 20 7946 0018', '+442079460018'],
    ['with slashes and dots', '+44/20/7946.0018', '+442079460018'],
    ['with dashes of typography', '+44 20\u20117946\u20130018', '+442079460018'],
    ['with no-break spaces', '\u00a0+44\u00a020\u202f7946\u00a00018', '+442079460018'],
    ['with the marks of direction of a contacts application', '\u202a+44 20 7946 0018\u202c', '+442079460018'],
    ['with a zero-width space', '\u200b+442079460018\ufeff', '+442079460018'],
    ['in full-width digits', '＋４４　２０　７９４６　００１８', '+442079460018'],
    ['in full-width brackets and dashes', '（＋４４）２０－７９４６－００１８', '+442079460018'],
    ['in Arabic-Indic digits', '+٤٤ ٢٠ ٧٩٤٦ ٠٠١٨', '+442079460018'],
    ['in Persian digits', '+۴۴ ۲۰ ۷۹۴۶ ۰۰۱۸', '+442079460018'],
    ['in Devanagari digits', '+४४ २० ७९४६ ००१८', '+442079460018'],
    ['with an extension in words', '+44 20 7946 0018 ext. 123', '+442079460018;ext=123'],
    ['with an extension behind an x', '+44 20 7946 0018 x123', '+442079460018;ext=123'],
    ['with an extension as it is answered', '+442079460018;ext=123', '+442079460018;ext=123'],
    ['as a link', 'tel:+44-20-7946-0018;ext=123', '+442079460018;ext=123'],
    ['with a zero that belongs to it', '+39 06 1234 5678', '+390612345678'],
    ['in E.164 that no numbering plan has', '+1234567890', '+1234567890'],
    ['of 15 digits in E.164', '+999123456789012', '+999123456789012'],
    ['that is none', '  ', ''],
  ])('may be written %s', async (_how, typed, kept) => {
    const answer = await change(typed)
    expect([answer.status, answer.body.phone_number]).toEqual([200, kept])
    expect(await stored()).toBe(kept)
    expect((await change(kept)).body.phone_number).toBe(kept)
    const registered = await server.send('POST', '/register_credentials', {
      body: { ...randomUser(), phone_number: typed },
    })
    expect(registered.body.user.phone_number).toBe(kept)
  })

  it.each([
    ['020 7946 0018', 'phone_country_missing'],
    ['0044 20 7946 0018', 'phone_country_missing'],
    ['+999 1234 5678', 'phone_country_unknown'],
    ['+44 20 7946', 'phone_too_short'],
    ['+1 234567890', 'phone_too_short'],
    ['+44 20 7946 0018 1234', 'phone_too_long'],
    ['+0044 20 7946 0018', 'phone_country_unknown'],
    ['call me', 'invalid_format'],
    ['+442079460018;phone-context=evil', 'invalid_format'],
    ['call +44 20 7946 0018', 'invalid_format'],
    ['+44 20 7946 0018 and +44 20 7946 0019', 'invalid_format'],
    ['+', 'invalid_format'],
    ['+44 20 7946 0018\n', 'control_character'],
    [' '.repeat(65), 'too_big'],
  ])('may not be %j', async (typed, code) => {
    const before = await stored()
    expect(refusalOf(await change(typed))).toBe(`400 invalid_request #/phone_number ${code}`)
    expect(await stored()).toBe(before)
    const body = { ...randomUser(), phone_number: typed }
    const answer = await server.send('POST', '/register_credentials', { body })
    expect(refusalOf(answer)).toBe(`400 invalid_request #/phone_number ${code}`)
  })

  it('without a country code is refused with the remedy', async () => {
    const { body } = await change('020 7946 0018')
    expect(body.detail).toMatch(/^phone_number: must begin with \+ and the code of its country, such as \+44/)
  })

  it.each([
    ['020 7946 0018', '+442079460018'],
    ['(020) 7946/0018', '+442079460018'],
    ['٠٢٠ ٧٩٤٦ ٠٠١٨', '+442079460018'],
    ['020 7946 0018 ext 7', '+442079460018;ext=7'],
    ['0049 30 1234567', '+49301234567'],
    ['+49 30 1234567', '+49301234567'],
  ])('%s without a country code is read as one of PHONE_DEFAULT_COUNTRY', async (typed, kept) => {
    const answer = await change(typed, british)
    expect([answer.status, answer.body.phone_number]).toEqual([200, kept])
  })

  it('is refused where PHONE_DEFAULT_COUNTRY has no such number', async () => {
    expect(refusalOf(await change('020 79', british))).toBe('400 invalid_request #/phone_number phone_too_short')
  })
})

describe('a phone number that an earlier version has stored', () => {
  const given = (phoneNumber: string) =>
    server.database.db.user.update({ where: { id: user.id }, data: { phoneNumber, phoneNumberVerified: true } })

  it.each(['020 7946 0018', '123', '+44 20 7946 0018'])('is answered and accepted unchanged: %s', async (old) => {
    await given(old)
    const { body } = await server.send('GET', '/profile', { token: user.access_token })
    expect(body.phone_number).toBe(old)
    const { username, first_name, last_name, display_name, phone_number, timezone } = body
    const changes = { username, first_name, last_name, display_name, phone_number, timezone }
    const answer = await server.send('PUT', '/profile', { token: user.access_token, body: changes })
    expect(answer.body).toMatchObject({ phone_number: old, phone_number_verified: true })
  })

  it('stays verified in its new spelling, and no other number does', async () => {
    await given('+44 20 7946 0018')
    const respelled = (await change('+44 (0)20 7946 0018')).body
    expect([respelled.phone_number, respelled.phone_number_verified]).toEqual(['+442079460018', true])
    expect((await change('+44 20 7946 0018 x1')).body.phone_number_verified).toBe(false)
  })
})

describe.each([
  ['PUT', '/api/auth/profile/'],
  ['PATCH', '/api/v1/drf/auth/me/'],
])('%s %s', (method, path) => {
  const send = (body: object) => call(server, { method, path, body, token: user.access_token })

  it('keeps phone numbers in E.164', async () => {
    const answer = await send({ phone_number: ' +44 20 7946 0018 ext. 5 ' })
    expect([answer.status, answer.body.phone_number]).toEqual([200, '+442079460018;ext=5'])
    expect((await send({ phone_number: '+1234567890' })).body.phone_number).toBe('+1234567890')
    expect((await send({ phone_number: '' })).body.phone_number).toBe('')
  })

  it('says what is wrong with the others', async () => {
    expect(foreignRefusalOf(await send({ phone_number: '020 7946 0018' }))).toMatch(
      /^400 \{"phone_number":\["Must begin with \+ and the code of its country/,
    )
    expect(foreignRefusalOf(await send({ phone_number: 'call me' }))).toMatch(
      /^400 \{"phone_number":\["Must be a phone number such as/,
    )
  })
})

it('a phone number that cannot be read makes no account', async () => {
  const credentials = randomUser()
  await server.send('POST', '/register_credentials', { body: { ...credentials, phone_number: '12' } })
  expect(await server.database.db.user.count({ where: { email: credentials.email } })).toBe(0)
  expect((await givenUser(server, credentials)).email).toBe(credentials.email)
})
