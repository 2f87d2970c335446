import jwt from 'jsonwebtoken'
import type { Response } from 'supertest'
import { keysOf, pairKeys, refusalOf, times } from '../../support/answers.ts'
import { collide, many } from '../../support/collision.ts'
import type { User } from '../../support/fixtures.ts'
import { countSessions, givenResetToken, givenSession, givenUser } from '../../support/fixtures.ts'
import { accessTokenKeyOf } from '../../support/forgery.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
let strict: TestServer
beforeAll(async () => {
  server = await startServer({ DATABASE_POOL: '60' })
  strict = await startServer({ DATABASE_POOL: '60', REFRESH_GRACE: '0' })
})
afterAll(async () => {
  await Promise.all([server.close(), strict.close()])
})

const refresh = (refresh_token: string, on = server) => on.send('POST', '/access_token', { body: { refresh_token } })

describe('POST /access_token', () => {
  it('answers with a new pair whose access token works', async () => {
    const user = await givenUser(server)
    const { status, body } = await refresh(user.refresh_token)
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(pairKeys)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_expires_in: 604_800 })
    expect(body.refresh_token).not.toBe(user.refresh_token)
    expect((await server.send('GET', '/session', { token: body.access_token })).status).toBe(200)
  })

  it('advances the session once for 50 requests at once, and all get the same bytes', async () => {
    const user = await givenUser(server)
    const answers = await collide(
      server,
      user.id,
      many(50, () => refresh(user.refresh_token)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    const session = await server.database.db.session.findFirstOrThrow({ where: { userId: user.id } })
    expect(session).toMatchObject({ generation: 1, revokedAt: null })
  })

  it('without a grace window lets one of 50 win and ends the session', async () => {
    const user = await givenUser(strict)
    const answers = await collide(
      strict,
      user.id,
      many(50, () => refresh(user.refresh_token, strict)),
    )
    const winners = answers.filter(({ status }) => status === 200)
    expect(winners).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(refusalOf(answer)).toBe('401 refresh_token_reused')
    }
    const { access_token, refresh_token } = winners[0]?.body ?? {}
    expect(refusalOf(await refresh(refresh_token, strict))).toBe('401 session_revoked')
    expect(refusalOf(await strict.send('GET', '/session', { token: access_token }))).toBe('401 session_revoked')
  })

  it('gives 20 sessions at once a successor each', async () => {
    const user = await givenUser(server)
    const sessions = await times(20, () => givenSession(server, user))
    const answers = await times(20, (index) => refresh(sessions[index]?.refresh_token ?? ''))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(20)
  })

  it('repeats the same successor to a client whose answer got lost, until the grace window ends', async () => {
    const user = await givenUser(server)
    const first = await refresh(user.refresh_token)
    server.pass('9s')
    expect((await refresh(user.refresh_token)).text).toBe(first.text)
    server.pass('2s')
    const late = await refresh(user.refresh_token)
    expect(refusalOf(late)).toBe('401 refresh_token_reused')
  })

  it('counts the grace window from the rotation and not from its last use', async () => {
    const user = await givenUser(server)
    await refresh(user.refresh_token)
    for (const pause of ['4s', '4s']) {
      server.pass(pause)
      expect((await refresh(user.refresh_token)).status).toBe(200)
    }
    server.pass('4s')
    expect(refusalOf(await refresh(user.refresh_token))).toBe('401 refresh_token_reused')
  })

  it('treats a token older than the predecessor as a copy, even inside the grace window', async () => {
    const user = await givenUser(server)
    const child = (await refresh(user.refresh_token)).body
    const grandchild = (await refresh(child.refresh_token)).body
    const replay = await refresh(user.refresh_token)
    expect(refusalOf(replay)).toBe('401 refresh_token_reused')
    expect(refusalOf(await refresh(grandchild.refresh_token))).toBe('401 session_revoked')
    expect(refusalOf(await server.send('GET', '/session', { token: grandchild.access_token }))).toBe(
      '401 session_revoked',
    )
  })

  it('records a copied token and tells the user, once however often it comes', async () => {
    const user = await givenUser(server)
    await refresh((await refresh(user.refresh_token)).body.refresh_token)
    const copies = await collide(
      server,
      user.id,
      many(20, () => refresh(user.refresh_token)),
    )
    for (const answer of copies) expect(refusalOf(answer)).toBe('401 refresh_token_reused')
    const events = await server.database.db.event.findMany({ where: { userId: user.id, type: 'refresh_token_reused' } })
    expect(events).toHaveLength(1)
    const mails = (await server.mails()).filter(({ recipient }) => recipient === user.email)
    expect(mails.filter(({ subject }) => /ended one of your sessions/.test(subject))).toHaveLength(1)
  })

  it('ends the session of a copied token whose password is changed at that moment', async () => {
    const user = await givenUser(server)
    const { body: owned } = await refresh((await refresh(user.refresh_token)).body.refresh_token)
    const body = { current_password: user.password, new_password: 'another good password' }
    const change = () => server.send('POST', '/change_password', { token: owned.access_token, body })
    const [changed, copied] = await collide(server, user.id, [change, () => refresh(user.refresh_token)])
    expect([changed?.status, copied && refusalOf(copied)]).toEqual([200, '401 refresh_token_reused'])
    expect(refusalOf(await refresh(changed?.body.refresh_token))).toBe('401 session_revoked')
    const events = await server.database.db.event.findMany({ where: { userId: user.id, type: 'refresh_token_reused' } })
    expect(events).toHaveLength(1)
  })

  // An attacker who registers a foreign address could fill that mailbox with copies of their own tokens.
  it('mails an unverified address about five copied tokens an hour at most', async () => {
    const user = await givenUser(server)
    for (const _copy of Array(7).keys()) {
      const { refresh_token } = await givenSession(server, user)
      await refresh((await refresh(refresh_token)).body.refresh_token)
      expect(refusalOf(await refresh(refresh_token))).toBe('401 refresh_token_reused')
    }
    const mails = (await server.mails()).filter(({ recipient }) => recipient === user.email)
    expect(mails.filter(({ subject }) => /ended one of your sessions/.test(subject))).toHaveLength(5)
  })

  it('refuses when it comes second to a logout', async () => {
    const user = await givenUser(server)
    const end = () => server.send('POST', '/logout', { body: { refresh_token: user.refresh_token } })
    const refreshes = many(5, () => refresh(user.refresh_token))
    const [ending, ...answers] = await collide(server, user.id, [end, ...refreshes])
    expect(ending?.status).toBe(200)
    for (const answer of answers) expect(refusalOf(answer)).toBe('401 session_revoked')
  })

  describe.each(['a logout', 'a password reset'])('beside %s', (name) => {
    /** The request that ends the sessions of the user. */
    async function givenEnding(user: User): Promise<() => Promise<Response>> {
      if (name === 'a logout') {
        return () => server.send('POST', '/logout', { body: { refresh_token: user.refresh_token } })
      }
      const token = await givenResetToken(server, user)
      return () => server.send('POST', '/reset_password', { body: { token, new_password: 'another good password' } })
    }

    // A reset ends sessions by their user's row: a refresh that overtakes it there still gives nothing that stays
    // valid.
    it.each([0, 1, 5])('gives nothing that stays valid when %i of 10 come first', async (before) => {
      const user = await givenUser(server)
      const end = await givenEnding(user)
      const refreshes = many(10, () => refresh(user.refresh_token))
      const answers = await collide(server, user.id, refreshes.toSpliced(before, 0, end), 'sessions', 'users')
      expect(answers[before]?.status).toBe(200)
      for (const answer of answers.filter((_answer, index) => index !== before)) {
        if (answer.status !== 200) expect(refusalOf(answer)).toBe('401 session_revoked')
        else expect(refusalOf(await refresh(answer.body.refresh_token))).toBe('401 session_revoked')
      }
      expect(refusalOf(await server.send('GET', '/session', { token: user.access_token }))).toBe('401 session_revoked')
      expect(await countSessions(server, user)).toBe(0)
    })
  })

  it('ends with the idle limit, which each refresh moves', async () => {
    const user = await givenUser(server)
    server.pass('6d')
    const { body } = await refresh(user.refresh_token)
    server.pass('6d')
    const again = await refresh(body.refresh_token)
    expect(again.status).toBe(200)
    server.pass('8d')
    expect(refusalOf(await refresh(again.body.refresh_token))).toBe('401 refresh_token_expired')
  })

  it('ends with the absolute limit, which no refresh moves', async () => {
    const user = await givenUser(server)
    let pair = (await refresh(user.refresh_token)).body
    for (let day = 0; day < 29; day += 1) {
      server.pass('1d')
      pair = (await refresh(pair.refresh_token)).body
    }
    expect(pair.refresh_expires_in).toBeLessThanOrEqual(86_400)
    server.pass('1d')
    expect(refusalOf(await refresh(pair.refresh_token))).toBe('401 session_expired')
  })

  it('never issues an access token that outlives the session', async () => {
    await withServer({ SESSION_LIFETIME: '20m', REFRESH_TOKEN_LIFETIME: '20m' }, async (short) => {
      const user = await givenUser(short)
      short.pass('15m')
      const { body } = await refresh(user.refresh_token, short)
      expect(body.expires_in).toBeLessThanOrEqual(300)
      short.pass('6m')
      expect(refusalOf(await short.send('GET', '/session', { token: body.access_token }))).toBe(
        '401 access_token_expired',
      )
    })
  })

  it('ends for a disabled user at once', async () => {
    const user = await givenUser(server)
    await server.database.db.user.update({ where: { id: user.id }, data: { disabledAt: server.now() } })
    expect(refusalOf(await refresh(user.refresh_token))).toBe('401 session_revoked')
    expect(refusalOf(await server.send('GET', '/session', { token: user.access_token }))).toBe('401 session_revoked')
  })

  it('keeps the lifetimes that its session was opened with, when the settings have become shorter', async () => {
    const shorter = { ACCESS_TOKEN_LIFETIME: '5m', REFRESH_TOKEN_LIFETIME: '1d' }
    const user = await givenUser(server)
    await withServer({ ...server.settings, ...shorter }, async (after) => {
      const { status, body } = await refresh(user.refresh_token, after)
      expect([status, body.expires_in, body.refresh_expires_in]).toEqual([200, 900, 604_800])
      expect((await after.send('GET', '/session', { token: body.access_token })).status).toBe(200)
      expect((await givenSession(after, user)).expires_in).toBe(300)
    })
  })

  it('refuses a well-signed token with another name or a longer life than its session has', async () => {
    const user = await givenUser(server)
    const otherUser = await givenUser(server)
    const { header, payload } = jwt.decode(user.access_token, { complete: true }) ?? {}
    const issued = payload as jwt.JwtPayload
    const forged = (claims: object) =>
      jwt.sign({ ...issued, ...claims }, accessTokenKeyOf(server.settings), header ? { header } : {})
    const ask = (token: string) => server.send('GET', '/session', { token })
    expect((await ask(forged({}))).status).toBe(200)
    for (const claims of [{ sub: otherUser.uuid }, { user_id: otherUser.id }, { exp: (issued.exp ?? 0) + 60 }]) {
      expect(refusalOf(await ask(forged(claims)))).toBe('401 token_invalid')
      const { body } = await server.send('POST', '/verify_token', { body: { token: forged(claims) } })
      expect(body).toEqual({ active: false })
    }
  })

  it('refuses an access token in the place of a refresh token, and the other way round', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await refresh(user.access_token))).toBe('401 token_invalid')
    expect(refusalOf(await server.send('GET', '/session', { token: user.refresh_token }))).toBe('401 token_invalid')
  })

  it('signs the access token with the key for access tokens and the claims that other services read', async () => {
    const user = await givenUser(server)
    const { header, payload } = jwt.verify(user.access_token, accessTokenKeyOf(server.settings), {
      complete: true,
      algorithms: ['HS256'],
    })
    expect(header).toEqual({ alg: 'HS256', typ: 'at+jwt' })
    expect(payload).toEqual({
      iss: 'http://localhost:3000',
      aud: 'http://localhost:3000',
      sub: user.uuid,
      user_id: user.id,
      sid: expect.any(String),
      jti: expect.any(String),
      token_type: 'access',
      iat: expect.any(Number),
      exp: expect.any(Number),
    })
  })
})
