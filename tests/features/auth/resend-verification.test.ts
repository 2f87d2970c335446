import { keysOf, refusalOf, times, visibleOf } from '../../support/answers.ts'
import {
  givenDisabled,
  givenRegistration,
  givenUser,
  givenVerificationToken,
  mailsTo,
  randomUser,
} from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const resend = (email: unknown, on = server) => on.send('POST', '/resend_verification', { body: { email } })
const verify = (token: string, on = server) =>
  on.send('POST', '/verify_email', { body: { token, password: randomUser().password } })

async function givenVerified(): Promise<{ email: string; id: number }> {
  const user = await givenUser(server)
  await verify(await givenVerificationToken(server, user))
  return user
}

describe('POST /resend_verification', () => {
  it('mails a new token to an unverified address', async () => {
    const user = await givenUser(server)
    await server.mails()
    const { status, body } = await resend(user.email.toUpperCase())
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(['detail'])
    const subjects = (await mailsTo(server, user.email)).map(({ subject }) => subject)
    expect(subjects).toEqual(['Verify your e-mail address', 'Verify your e-mail address'])
    expect((await verify(await givenVerificationToken(server, user))).status).toBe(200)
  })

  it('answers alike for every address and mails only to an unverified one', async () => {
    const disabled = await givenUser(server)
    await givenDisabled(server, disabled)
    const cases = {
      waiting: await givenUser(server),
      verified: await givenVerified(),
      disabled,
      unknown: randomUser(),
    }
    const mailsBefore = (await server.mails()).length
    const answers = []
    for (const { email } of Object.values(cases)) answers.push(await resend(email))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map(visibleOf)).size).toBe(1)
    const mails = (await server.mails()).slice(mailsBefore)
    expect(mails.map(({ recipient }) => recipient)).toEqual([cases.waiting.email])
  })

  it('helps when the first token has expired', async () => {
    const user = await givenUser(server)
    const older = await givenVerificationToken(server, user)
    server.pass('25h')
    await resend(user.email)
    expect(refusalOf(await verify(older))).toBe('400 verification_token_invalid')
    expect((await verify(await givenVerificationToken(server, user))).status).toBe(200)
  })

  it('sends one mail when 100 are asked for within a minute, and answers alike each time', async () => {
    const user = await givenUser(server)
    await server.mails()
    const answers = [...(await times(50, () => resend(user.email)))]
    for (let index = 0; index < 50; index += 1) answers.push(await resend(user.email))
    answers.push(await resend(randomUser().email))
    expect(answers.map(({ status }) => status)).toEqual(Array(101).fill(200))
    expect(new Set(answers.map(visibleOf)).size).toBe(1)
    // The first is that of the registration.
    expect(await mailsTo(server, user.email)).toHaveLength(2)
  })

  it('keeps the last mailed token valid when no newer one is mailed', async () => {
    const user = await givenUser(server)
    await resend(user.email)
    const token = await givenVerificationToken(server, user)
    await resend(user.email)
    expect((await verify(token)).status).toBe(200)
  })

  it('sends five mails an hour at most', async () => {
    const user = await givenUser(server)
    await server.mails()
    for (let minute = 0; minute < 59; minute += 1) {
      await resend(user.email)
      // A mail whose link a newer one has replaced is not sent.
      await server.mails()
      server.pass('1m')
    }
    expect(await mailsTo(server, user.email)).toHaveLength(6)
    server.pass('2m')
    await resend(user.email)
    expect(await mailsTo(server, user.email)).toHaveLength(7)
  })

  it.each([
    ['ada', 'invalid_format'],
    [`${'x'.repeat(65)}@example.com`, 'invalid_value'],
  ])('refuses %j', async (email, code) => {
    expect(refusalOf(await resend(email))).toBe(`400 invalid_request #/email ${code}`)
  })
})

describe('POST /resend_verification, where verification is required', () => {
  let strict: TestServer
  beforeAll(async () => {
    strict = await startServer({ EMAIL_VERIFICATION: 'required' })
  })
  afterAll(() => strict.close())

  it('mails a new token for a pending registration, and the older one is void', async () => {
    const credentials = await givenRegistration(strict)
    await resend(credentials.email, strict)
    const newer = await givenVerificationToken(strict, credentials)
    expect(newer).not.toBe(credentials.token)
    expect(refusalOf(await verify(credentials.token, strict))).toBe('400 verification_token_invalid')
    expect((await verify(newer, strict)).status).toBe(200)
  })

  it('answers alike for every address and mails only to one with a pending registration', async () => {
    const waiting = await givenRegistration(strict)
    const verified = await givenRegistration(strict)
    await verify(verified.token, strict)
    const mailsBefore = (await strict.mails()).length
    const answers = []
    for (const { email } of [waiting, verified, randomUser()]) answers.push(await resend(email, strict))
    expect(new Set(answers.map(visibleOf)).size).toBe(1)
    const mails = (await strict.mails()).slice(mailsBefore)
    expect(mails.map(({ recipient }) => recipient)).toEqual([waiting.email])
  })
})
