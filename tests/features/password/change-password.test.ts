import { keysOf, pairKeys, refusalOf, times } from '../../support/answers.ts'
import type { User } from '../../support/fixtures.ts'
import {
  countSessions,
  eventsOf,
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
  server = await startServer()
})
afterAll(() => server.close())

const newPassword = 'another good password'
const change = (user: User, { from = user.password, to = newPassword }: { from?: string; to?: string } = {}) =>
  server.send('POST', '/change_password', {
    token: user.access_token,
    body: { current_password: from, new_password: to },
  })
const session = (token: string) => server.send('GET', '/session', { token })
const refresh = (refresh_token: string) => server.send('POST', '/access_token', { body: { refresh_token } })

/** The refusals of a change that comes too late: it finds another password, or no session. */
const lateRefusals = ['400 current_password_wrong #/current_password current_password_wrong', '401 session_revoked']

describe('POST /change_password', () => {
  it('sets the new password; the old one is void', async () => {
    const user = await givenUser(server)
    const { status, body } = await change(user)
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(pairKeys)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_expires_in: 604_800 })
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
    expect((await logIn(server, user.username, newPassword)).status).toBe(200)
  })

  it('gives this session a new pair that works, and its older access token still belongs to it', async () => {
    const user = await givenUser(server)
    const { body } = await change(user)
    expect(body.refresh_token).not.toBe(user.refresh_token)
    const [older, newer] = [await session(user.access_token), await session(body.access_token)]
    expect([older.status, newer.status]).toEqual([200, 200])
    expect(newer.body.session.id).toBe(older.body.session.id)
    const refreshed = await refresh(body.refresh_token)
    expect(refreshed.status).toBe(200)
    server.pass('11s')
    expect(refusalOf(await refresh(user.refresh_token))).toBe('401 refresh_token_reused')
  })

  it('ends the other sessions of this user only', async () => {
    const [user, otherUser] = [await givenUser(server), await givenUser(server)]
    const others = [await givenSession(server, user), await givenSession(server, user)]
    await change(user)
    for (const { access_token, refresh_token } of others) {
      expect(refusalOf(await session(access_token))).toBe('401 session_revoked')
      expect(refusalOf(await refresh(refresh_token))).toBe('401 session_revoked')
    }
    expect(await countSessions(server, user)).toBe(1)
    expect((await session(otherUser.access_token)).status).toBe(200)
  })

  // Two tabs share a session: one refreshes, the other changes the password with the access token that it has.
  it('takes an access token that a refresh has replaced, for as long as it lives', async () => {
    const user = await givenUser(server)
    await refresh((await refresh(user.refresh_token)).body.refresh_token)
    server.pass('1m')
    const { status, body } = await change(user)
    expect(status).toBe(200)
    expect((await refresh(body.refresh_token)).status).toBe(200)
  })

  it('revokes a mailed reset token', async () => {
    const user = await givenUser(server)
    const token = await givenResetToken(server, user)
    await change(user)
    const reset = await server.send('POST', '/reset_password', {
      body: { token, new_password: 'a third good password' },
    })
    expect(refusalOf(reset)).toBe('400 reset_token_invalid')
    expect((await logIn(server, user.username, newPassword)).status).toBe(200)
  })

  it('tells the user by mail when and from where, without a link to follow', async () => {
    const user = await givenUser(server)
    await change(user)
    const mail = (await mailsTo(server, user.email)).at(-1)
    expect(mail?.subject).toBe('Your password was changed')
    expect(mail?.text).toContain('127.0.0.1')
    expect(mail?.text).not.toMatch(/http|token/)
    expect(JSON.stringify(mail)).not.toContain(newPassword)
  })

  // An attacker who registers a foreign address and changes the password back and forth could fill that mailbox.
  it('mails an unverified address five times an hour at most, and a verified one always', async () => {
    for (const isVerified of [false, true]) {
      const user = await givenUser(server)
      const token = await givenVerificationToken(server, user)
      if (isVerified) await server.send('POST', '/verify_email', { body: { token } })
      const passwords = Array.from({ length: 7 }, (_, index) => `good password number ${index}`)
      for (const [index, to] of passwords.entries()) {
        expect((await change(user, { from: passwords[index - 1] ?? user.password, to })).status).toBe(200)
      }
      const mails = (await mailsTo(server, user.email)).filter(({ subject }) => subject === 'Your password was changed')
      expect(mails).toHaveLength(isVerified ? 7 : 5)
    }
  })

  it('records who changed the password, when and from where, and that the other sessions ended', async () => {
    const user = await givenUser(server)
    await givenSession(server, user)
    const { id: sessionId } = (await session(user.access_token)).body.session
    const body = { current_password: user.password, new_password: newPassword }
    const events = await recordedBy(server, 'POST', '/change_password', { token: user.access_token, body })
    expect(events).toEqual([
      { type: 'sessions_ended', userId: user.id, sessionId: null, details: { reason: 'password_changed', count: 1 } },
      { type: 'password_changed', userId: user.id, sessionId, details: {} },
    ])
  })

  it('refuses a wrong current password with 400, as the session itself is good, and changes nothing', async () => {
    const user = await givenUser(server)
    const other = await givenSession(server, user)
    const answer = await change(user, { from: 'correct horse batterx' })
    expect(refusalOf(answer)).toBe('400 current_password_wrong #/current_password current_password_wrong')
    expect((await session(other.access_token)).status).toBe(200)
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
    expect((await mailsTo(server, user.email)).map(({ subject }) => subject)).toEqual(['Verify your e-mail address'])
  })

  it.each([
    ['too short', () => 'hrk5 wq', 'too_small'],
    ['too long', () => 'x'.repeat(129), 'too_big'],
    ['common', () => 'PassWord1', 'password_common'],
    ['the username', ({ username }: User) => username.toUpperCase(), 'password_personal'],
    ['the address', ({ email }: User) => email, 'password_personal'],
  ])('refuses a new password that is %s', async (_what, bad, code) => {
    const user = await givenUser(server)
    const other = await givenSession(server, user)
    expect(refusalOf(await change(user, { to: bad(user) }))).toBe(`400 invalid_request #/new_password ${code}`)
    expect((await session(other.access_token)).status).toBe(200)
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
  })

  it('lets exactly one of 20 changes at once win, and its password is the one that works', async () => {
    const user = await givenUser(server)
    const answers = await times(20, (index) => change(user, { to: `good password no. ${index}` }))
    const winner = answers.findIndex(({ status }) => status === 200)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(refusalOf(answer)).toBe('400 current_password_wrong #/current_password current_password_wrong')
    }
    // Changes after the winner were wrong, and may have throttled the account.
    server.pass('1m')
    expect((await logIn(server, user.username, `good password no. ${winner}`)).status).toBe(200)
    expect((await session(answers[winner]?.body.access_token)).status).toBe(200)
    expect((await eventsOf(server, user)).filter(({ type }) => type === 'password_changed')).toHaveLength(1)
  })

  it('lets one session win when all sessions of the user change the password at once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const user = await givenUser(server)
      const sessions = [user, ...(await times(7, () => givenSession(server, user)))]
      const answers = await times(8, (index) =>
        change({ ...user, ...sessions[index] }, { to: `good password no. ${index}` }),
      )
      const winner = answers.findIndex(({ status }) => status === 200)
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        expect(lateRefusals).toContain(refusalOf(answer))
      }
      expect(await countSessions(server, user)).toBe(1)
      server.pass('1m')
      expect((await session(answers[winner]?.body.access_token)).status).toBe(200)
      expect((await logIn(server, user.username, `good password no. ${winner}`)).status).toBe(200)
    }
  })

  it('never wins against a reset that answered, and leaves no session that outlives it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const user = await givenUser(server)
      const token = await givenResetToken(server, user)
      const [reset, changed] = await Promise.all([
        server.send('POST', '/reset_password', { body: { token, new_password: 'the password of the reset' } }),
        change(user),
      ])
      // A change that came first has ended the token; one that came later finds another password, or no session.
      if (reset.status === 200) {
        expect((await logIn(server, user.username, 'the password of the reset')).status).toBe(200)
        expect(refusalOf(await session(user.access_token))).toBe('401 session_revoked')
        expect(lateRefusals).toContain(refusalOf(changed))
      } else {
        expect(refusalOf(reset)).toBe('400 reset_token_invalid')
        expect(changed.status).toBe(200)
        expect((await logIn(server, user.username, newPassword)).status).toBe(200)
      }
    }
  })

  it('does not happen when its session is ended meanwhile', async () => {
    for (let round = 0; round < 5; round += 1) {
      const user = await givenUser(server)
      const [changed, ended] = await Promise.all([
        change(user),
        server.send('POST', '/logout_all', { token: user.access_token }),
      ])
      expect(ended.status).toBe(200)
      expect(refusalOf(await session(user.access_token))).toBe('401 session_revoked')
      const happened = changed.status === 200
      if (!happened) expect(refusalOf(changed)).toBe('401 session_revoked')
      expect((await logIn(server, user.username, happened ? newPassword : user.password)).status).toBe(200)
    }
  })

  it('needs a live session', async () => {
    const user = await givenUser(server)
    const body = { current_password: user.password, new_password: newPassword }
    expect(refusalOf(await server.send('POST', '/change_password', { body }))).toBe('401 unauthenticated')
    await server.send('POST', '/logout', { token: user.access_token })
    expect(refusalOf(await change(user))).toBe('401 session_revoked')
    expect((await logIn(server, user.username, user.password)).status).toBe(200)
  })

  it('checks the token before it reads the body', async () => {
    expect(refusalOf(await server.send('POST', '/change_password', { body: { x: 1 } }))).toBe('401 unauthenticated')
  })
})
