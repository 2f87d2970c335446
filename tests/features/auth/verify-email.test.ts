import { keysOf, refusalOf, times, visibleOf } from '../../support/answers.ts'
import {
  eventsOf,
  givenResetToken,
  givenUser,
  givenVerificationToken,
  logIn,
  recordedBy,
} from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const verify = (token: unknown) => server.send('POST', '/verify_email', { body: { token } })
const isVerified = async ({ id }: { id: number }) =>
  (await server.database.db.user.findUniqueOrThrow({ where: { id } })).emailVerifiedAt !== null

describe('POST /verify_email', () => {
  it('marks the address as verified, which shows at the next request', async () => {
    const user = await givenUser(server)
    const { status, body } = await verify(await givenVerificationToken(server, user))
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(['detail'])
    const profile = await server.send('GET', '/profile', { token: user.access_token })
    expect(profile.body).toMatchObject({ email_verified: true, account_status: 'active' })
  })

  it('records who was verified, when and from where', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    expect(await recordedBy(server, 'POST', '/verify_email', { body: { token } })).toEqual([
      { type: 'email_verified', userId: user.id, sessionId: null, details: {} },
    ])
  })

  it('opens no session and ends none', async () => {
    const user = await givenUser(server)
    await verify(await givenVerificationToken(server, user))
    expect(await server.database.db.session.count({ where: { userId: user.id, revokedAt: null } })).toBe(1)
  })

  it('spends the token once, even when 50 requests race', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    const answers = await times(50, () => verify(token))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect((await eventsOf(server, user)).filter(({ type }) => type === 'email_verified')).toHaveLength(1)
  })

  it('answers a spent token as before, and changes nothing more', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    const first = await verify(token)
    const { emailVerifiedAt } = await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    server.pass('1h')
    expect(visibleOf(await verify(token))).toBe(visibleOf(first))
    expect(await recordedBy(server, 'POST', '/verify_email', { body: { token } })).toEqual([])
    expect((await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })).emailVerifiedAt).toEqual(
      emailVerifiedAt,
    )
    server.pass('24h')
    expect(refusalOf(await verify(token))).toBe('400 verification_token_invalid')
  })

  it('accepts a token when a reset has verified the address already, and changes nothing', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    const find = () => server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    const reset = { token: await givenResetToken(server, user), new_password: 'another good password' }
    await server.send('POST', '/reset_password', { body: reset })
    const { emailVerifiedAt } = await find()
    server.pass('1h')
    expect(await recordedBy(server, 'POST', '/verify_email', { body: { token } })).toEqual([])
    for (const answer of [await verify(token), await verify(token)]) expect(answer.status).toBe(200)
    expect((await find()).emailVerifiedAt).toEqual(emailVerifiedAt)
  })

  it('refuses a used token once the address is not verified any more', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    await verify(token)
    await server.database.db.user.update({ where: { id: user.id }, data: { emailVerifiedAt: null } })
    expect(refusalOf(await verify(token))).toBe('400 verification_token_invalid')
  })

  it('sets no password where there is one, and says so without spending the token', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    const sent = await server.send('POST', '/verify_email', { body: { token, new_password: 'another good password' } })
    expect(refusalOf(sent)).toBe('400 account_has_password #/new_password account_has_password')
    expect(await isVerified(user)).toBe(false)
    expect((await verify(token)).status).toBe(200)
    expect((await logIn(server, user.email, user.password)).status).toBe(200)
  })

  it('takes a token for 24 hours and no longer', async () => {
    const [early, late] = [await givenUser(server), await givenUser(server)]
    const tokens = [await givenVerificationToken(server, early), await givenVerificationToken(server, late)]
    server.pass('23h')
    expect((await verify(tokens[0])).status).toBe(200)
    server.pass('2h')
    expect(refusalOf(await verify(tokens[1]))).toBe('400 verification_token_invalid')
    expect(await isVerified(late)).toBe(false)
  })

  it('refuses the older token once a newer one was mailed', async () => {
    const user = await givenUser(server)
    const older = await givenVerificationToken(server, user)
    await server.send('POST', '/resend_verification', { body: { email: user.email } })
    const newer = await givenVerificationToken(server, user)
    expect(newer).not.toBe(older)
    expect(refusalOf(await verify(older))).toBe('400 verification_token_invalid')
    expect(await isVerified(user)).toBe(false)
    expect((await verify(newer)).status).toBe(200)
  })

  it('refuses a token of another purpose and leaves it as it was', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    expect(refusalOf(await verify(token))).toBe('400 verification_token_invalid')
    expect(await isVerified(user)).toBe(false)
    const reset = await server.send('POST', '/reset_password', {
      body: { token, new_password: 'another good password' },
    })
    expect(reset.status).toBe(200)
  })

  it('refuses a token that was mailed to another address than the user has now', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    await server.database.db.user.update({ where: { id: user.id }, data: { email: `new-${user.email}` } })
    expect(refusalOf(await verify(token))).toBe('400 verification_token_invalid')
    expect(await isVerified(user)).toBe(false)
  })

  it('takes the token in the body of a POST only, so that no link that is merely opened spends it', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    expect(refusalOf(await server.send('GET', `/verify_email?token=${token}`))).toBe('405 method_not_allowed')
    expect(refusalOf(await server.send('POST', `/verify_email?token=${token}`))).toBe(
      '400 invalid_request #/token required',
    )
    expect((await server.send('GET', `//verify-email?token=${token}`)).status).toBe(200)
    expect(await isVerified(user)).toBe(false)
    expect((await verify(token)).status).toBe(200)
  })

  it('refuses strings that never were tokens', async () => {
    const user = await givenUser(server)
    const token = await givenVerificationToken(server, user)
    const { tokenHash } = await server.database.db.mailToken.findFirstOrThrow({ where: { email: user.email } })
    for (const wrong of [
      'x',
      'A'.repeat(43),
      'A'.repeat(512),
      tokenHash,
      `${token}=`,
      ` ${token}`,
      token.toUpperCase(),
      token.slice(0, -1),
      "' OR 1=1 --",
      '%',
      '🐎',
    ]) {
      expect(refusalOf(await verify(wrong))).toBe('400 verification_token_invalid')
    }
    expect(await isVerified(user)).toBe(false)
  })

  it('refuses what is too long to be a token', async () => {
    expect(refusalOf(await verify('x'.repeat(513)))).toBe('400 invalid_request #/token too_big')
  })
})
