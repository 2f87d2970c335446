import { keysOf, refusalOf, times, visibleOf } from '../../support/answers.ts'
import {
  givenDisabled,
  givenResetToken,
  givenUser,
  logIn,
  mailsTo,
  randomUser,
  recordedBy,
} from '../../support/fixtures.ts'
import { productionSettings } from '../../support/production.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const forgot = (email: unknown, on = server) => on.send('POST', '/forgot_password', { body: { email } })
const reset = (token: string) =>
  server.send('POST', '/reset_password', { body: { token, new_password: 'another good password' } })

describe('POST /forgot_password', () => {
  it('mails a token that sets a new password', async () => {
    const user = await givenUser(server)
    const { status, body } = await forgot(user.email.toUpperCase())
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(['detail'])
    const mail = (await mailsTo(server, user.email)).at(-1)
    expect(mail?.subject).toBe('Reset your password')
    expect((await reset(/token=([\w-]{43})/.exec(mail?.text ?? '')?.[1] ?? '')).status).toBe(200)
  })

  it('answers every address with the same bytes and mails only to a user who may log in', async () => {
    const disabled = await givenUser(server)
    await givenDisabled(server, disabled)
    const known = await givenUser(server)
    const mailsBefore = (await server.mails()).length
    const answers = []
    for (const { email } of [known, randomUser(), disabled]) answers.push(await forgot(email))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(new Set(answers.map(visibleOf)).size).toBe(1)
    const mails = (await server.mails()).slice(mailsBefore)
    expect(mails.map(({ recipient, subject }) => [recipient, subject])).toEqual([[known.email, 'Reset your password']])
  })

  it('changes nothing yet: the password and the sessions stay', async () => {
    const user = await givenUser(server)
    await givenResetToken(server, user)
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
  })

  it('revokes the older token', async () => {
    const user = await givenUser(server)
    const older = await givenResetToken(server, user)
    server.pass('1m')
    const newer = await givenResetToken(server, user)
    expect(newer).not.toBe(older)
    expect(refusalOf(await reset(older))).toBe('400 reset_token_invalid')
    expect((await reset(newer)).status).toBe(200)
  })

  it('sends one mail when 100 are asked for within a minute, and answers alike each time', async () => {
    const user = await givenUser(server)
    const answers = [...(await times(50, () => forgot(user.email)))]
    for (let index = 0; index < 50; index += 1) answers.push(await forgot(user.email.toUpperCase()))
    answers.push(await forgot(randomUser().email))
    expect(answers.map(({ status }) => status)).toEqual(Array(101).fill(200))
    expect(new Set(answers.map(visibleOf)).size).toBe(1)
    const mails = (await mailsTo(server, user.email)).filter(({ subject }) => subject === 'Reset your password')
    expect(mails).toHaveLength(1)
    expect((await reset(/token=([\w-]{43})/.exec(mails[0]?.text ?? '')?.[1] ?? '')).status).toBe(200)
  })

  it('sends five mails an hour at most, whenever the hour begins', async () => {
    const user = await givenUser(server)
    const sent: number[] = []
    for (let minute = 0; minute < 130; minute += 1) {
      const before = (await mailsTo(server, user.email)).length
      await forgot(user.email)
      if ((await mailsTo(server, user.email)).length > before) sent.push(minute)
      server.pass('1m')
    }
    expect(sent).toEqual([0, 1, 2, 3, 33, 61, 62, 63, 93, 121, 122, 123])
  })

  // Five quick mails left the owner for half an hour with an expired link and no mail left.
  it('always leaves a working link or one to ask for, however often other clients ask', async () => {
    const user = await givenUser(server)
    for (let minute = 0; minute < 70; minute += 1) {
      await forgot(user.email)
      const mail = (await mailsTo(server, user.email)).findLast(({ subject }) => subject === 'Reset your password')
      const token = /token=([\w-]{43})/.exec(mail?.text ?? '')?.[1] ?? ''
      const answer = await server.send('POST', '/reset_password', { body: { token, new_password: 'hrk5 wq' } })
      expect(refusalOf(answer)).toBe('400 invalid_request #/new_password too_small')
      server.pass('1m')
    }
  })

  it('keeps the last mailed token valid when no newer one is mailed', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    await forgot(user.email)
    expect((await reset(token)).status).toBe(200)
  })

  it('counts each address by itself', async () => {
    const [one, other] = [await givenUser(server), await givenUser(server)]
    await times(10, () => forgot(one.email))
    await givenResetToken(server, other)
  })

  it('records whose password was asked for, when and from where', async () => {
    const { id, email } = await givenUser(server)
    expect(await recordedBy(server, 'POST', '/forgot_password', { body: { email } })).toEqual([
      { type: 'password_reset_requested', userId: id, sessionId: null, details: {} },
    ])
  })

  it('builds the link from the settings, not from the request', async () => {
    const settings = {
      ...productionSettings,
      FRONTEND_URL: 'https://app.example.com/auth',
      RESET_PASSWORD_PATH: '/new-password/{uid}/{token}',
    }
    await withServer({ ...server.settings, ...settings }, async (elsewhere) => {
      const user = await givenUser(elsewhere)
      await elsewhere
        .raw('POST', '/forgot_password')
        .set({
          Host: 'evil.example',
          'X-Forwarded-Host': 'evil.example',
          Forwarded: 'host=evil.example',
          Origin: 'https://evil.example',
        })
        .send({ email: user.email })
      const mail = (await mailsTo(elsewhere, user.email)).at(-1)
      const uid = Buffer.from(String(user.id)).toString('base64url')
      expect(mail?.text).toMatch(new RegExp(`\nhttps://app\\.example\\.com/auth/new-password/${uid}/[\\w-]{43}\n`))
      expect(JSON.stringify(mail)).not.toContain('evil')
    })
  })

  it('puts the token where no server log sees it, unless told otherwise', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    const mail = (await mailsTo(server, user.email)).at(-1)
    expect(mail?.text).toContain(`http://localhost:3000/reset-password#token=${token}\n`)
  })

  it.each([
    ['ada', 'invalid_format'],
    ['\u212aelvin@example.com', 'invalid_format'],
    [`${'x'.repeat(65)}@example.com`, 'invalid_value'],
    ['ada@example.com,eve@example.com', 'invalid_format'],
  ])('refuses %j', async (email, code) => {
    expect(refusalOf(await forgot(email))).toBe(`400 invalid_request #/email ${code}`)
  })
})
