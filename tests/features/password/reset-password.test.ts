import { keysOf, refusalOf, times } from '../../support/answers.ts'
import {
  countSessions,
  eventsOf,
  givenDisabled,
  givenResetToken,
  givenSession,
  givenUser,
  givenVerificationToken,
  logIn,
  mailsTo,
  recordedBy,
} from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  // Long enough for all requests of a race, as each hashes a password.
  server = await startServer({ HASH_QUEUE: '200' })
})
afterAll(() => server.close())

const newPassword = 'another good password'
const reset = (token: unknown, new_password: unknown = newPassword) =>
  server.send('POST', '/reset_password', { body: { token, new_password } })

describe('POST /reset_password', () => {
  it('sets the new password; the old one is void', async () => {
    const user = await givenUser(server)
    const { status, body } = await reset(await givenResetToken(server, user))
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(['detail'])
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
    expect((await logIn(server, user.username, newPassword)).status).toBe(200)
  })

  it('ends every session of this user only, and opens none', async () => {
    const [user, other] = [await givenUser(server), await givenUser(server)]
    const sessions = [user, await givenSession(server, user), await givenSession(server, user)]
    await reset(await givenResetToken(server, user))
    for (const { access_token, refresh_token } of sessions) {
      expect(refusalOf(await server.send('GET', '/session', { token: access_token }))).toBe('401 session_revoked')
      const refreshed = await server.send('POST', '/access_token', { body: { refresh_token } })
      expect(refusalOf(refreshed)).toBe('401 session_revoked')
    }
    expect(await countSessions(server, user)).toBe(0)
    expect((await server.send('GET', '/session', { token: other.access_token })).status).toBe(200)
  })

  it('tells the user by mail when and from where, without a link to follow', async () => {
    const user = await givenUser(server)
    await reset(await givenResetToken(server, user))
    const mail = (await mailsTo(server, user.email)).at(-1)
    expect(mail?.subject).toBe('Your password was changed')
    expect(mail?.text).toContain('127.0.0.1')
    expect(mail?.text).not.toMatch(/http|token/)
    expect(JSON.stringify(mail)).not.toContain(newPassword)
  })

  it('records whose password was reset, when and from where, and that the sessions ended', async () => {
    const user = await givenUser(server)
    await givenSession(server, user)
    const token = await givenResetToken(server, user)
    const body = { token, new_password: newPassword }
    expect(await recordedBy(server, 'POST', '/reset_password', { body })).toEqual([
      { type: 'email_verified', userId: user.id, sessionId: null, details: {} },
      { type: 'sessions_ended', userId: user.id, sessionId: null, details: { reason: 'password_reset', count: 2 } },
      { type: 'password_reset', userId: user.id, sessionId: null, details: {} },
    ])
  })

  it('marks the address as verified, as the link proves the mailbox', async () => {
    const user = await givenUser(server)
    await reset(await givenResetToken(server, user))
    expect((await logIn(server, user.username, newPassword)).body.user.email_verified).toBe(true)
  })

  it('keeps the time of the first verification of the address', async () => {
    const user = await givenUser(server)
    await server.send('POST', '/verify_email', { body: { token: await givenVerificationToken(server, user) } })
    const find = () => server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    const { emailVerifiedAt } = await find()
    server.pass('1m')
    await reset(await givenResetToken(server, user))
    expect((await find()).emailVerifiedAt).toEqual(emailVerifiedAt)
  })

  it('gives a password to a user who has none', async () => {
    const user = await givenUser(server)
    await server.database.db.password.delete({ where: { userId: user.id } })
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
    expect((await reset(await givenResetToken(server, user))).status).toBe(200)
    expect((await logIn(server, user.username, newPassword)).status).toBe(200)
  })

  it('spends the token once, even when 50 requests race, and the password is that of the winner', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    const answers = await times(50, (index) => reset(token, `good password no. ${index}`))
    const winner = answers.findIndex(({ status }) => status === 200)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(refusalOf(answer)).toBe('400 reset_token_invalid')
    }
    expect((await logIn(server, user.username, `good password no. ${winner}`)).status).toBe(200)
    expect((await eventsOf(server, user)).filter(({ type }) => type === 'password_reset')).toHaveLength(1)
  })

  it('refuses a used token', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    await reset(token)
    expect(refusalOf(await reset(token, 'a third good password'))).toBe('400 reset_token_invalid')
    expect((await logIn(server, user.username, newPassword)).status).toBe(200)
  })

  it('says that it is done when it is tried again with the same password, and changes nothing', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    const first = await reset(token)
    const events = await eventsOf(server, user)
    const mails = (await mailsTo(server, user.email)).length
    const session = await givenSession(server, { ...user, password: newPassword })
    const again = await reset(token)
    expect([again.status, again.body]).toEqual([200, first.body])
    expect((await server.send('GET', '/session', { token: session.access_token })).status).toBe(200)
    expect((await mailsTo(server, user.email)).length).toBe(mails)
    expect((await eventsOf(server, user)).length).toBe(events.length + 1)
    server.pass('31m')
    expect(refusalOf(await reset(token))).toBe('400 reset_token_invalid')
  })

  it('does not say so once the user has another password, nor is it of use for guesses', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    await reset(token)
    for (let guess = 0; guess < 8; guess += 1) {
      expect(refusalOf(await reset(token, `a wrong guess no. ${guess}`))).toBe('400 reset_token_invalid')
    }
    expect(refusalOf(await reset(token))).toBe('400 reset_token_invalid')
    expect((await logIn(server, user.username, newPassword)).status).toBe(200)

    const other = await givenUser(server)
    const spent = await givenResetToken(server, other)
    await reset(spent)
    server.pass('2m')
    await reset(await givenResetToken(server, other), 'a third good password')
    expect(refusalOf(await reset(spent))).toBe('400 reset_token_invalid')
  })

  it('takes a token for 30 minutes and no longer', async () => {
    const [early, late] = [await givenUser(server), await givenUser(server)]
    const tokens = [await givenResetToken(server, early), await givenResetToken(server, late)]
    server.pass('29m')
    expect((await reset(tokens[0])).status).toBe(200)
    server.pass('2m')
    expect(refusalOf(await reset(tokens[1]))).toBe('400 reset_token_invalid')
    expect((await logIn(server, late.username, late.password)).status).toBe(200)
  })

  it('does not spend the token on a password that it refuses', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    for (const [bad, code] of [
      ['hrk5 wq', 'too_small'],
      ['x'.repeat(129), 'too_big'],
      ['Password1', 'password_common'],
      [user.username.toUpperCase(), 'password_personal'],
      [user.email, 'password_personal'],
      ['correct horse \ud800', 'ill_formed_text'],
    ]) {
      expect(refusalOf(await reset(token, bad))).toBe(`400 invalid_request #/new_password ${code}`)
    }
    expect((await server.send('GET', '/session', { token: user.access_token })).status).toBe(200)
    expect((await reset(token)).status).toBe(200)
  })

  it('refuses a token that was mailed to another address than the user has now', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    await server.database.db.user.update({ where: { id: user.id }, data: { email: `new-${user.email}` } })
    expect(refusalOf(await reset(token))).toBe('400 reset_token_invalid')
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
  })

  it('refuses the token of a user who was disabled or deleted meanwhile', async () => {
    const [disabled, deleted] = [await givenUser(server), await givenUser(server)]
    const tokens = [await givenResetToken(server, disabled), await givenResetToken(server, deleted)]
    await givenDisabled(server, disabled)
    await server.database.db.user.delete({ where: { id: deleted.id } })
    for (const token of tokens) expect(refusalOf(await reset(token))).toBe('400 reset_token_invalid')
  })

  it('refuses a token of another purpose and leaves it as it was', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    expect(refusalOf(await reset(token))).toBe('400 reset_token_invalid')
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
    expect((await server.send('POST', '/verify_email', { body: { token } })).status).toBe(200)
  })

  it('refuses strings that never were tokens', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    const { tokenHash } = await server.database.db.mailToken.findFirstOrThrow({
      where: { email: user.email, purpose: 'reset_password' },
    })
    for (const wrong of ['x', 'A'.repeat(43), tokenHash, `${token}=`, ` ${token}`, token.slice(0, -1), "' OR 1=1 --"]) {
      expect(refusalOf(await reset(wrong))).toBe('400 reset_token_invalid')
    }
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
  })

  it('refuses a token and a password that are too long', async () => {
    const answer = await reset('x'.repeat(513), '🐎'.repeat(129))
    expect(refusalOf(answer)).toBe('400 invalid_request #/token too_big #/new_password too_big')
  })
})
