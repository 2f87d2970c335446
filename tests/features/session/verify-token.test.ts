import jwt from 'jsonwebtoken'
import { refusalOf } from '../../support/answers.ts'
import { givenUser } from '../../support/fixtures.ts'
import { accessTokenKeyOf } from '../../support/forgery.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

async function verify(token: string): Promise<unknown> {
  const { status, body } = await server.send('POST', '/verify_token', { body: { token } })
  expect(status).toBe(200)
  return body
}

describe('POST /verify_token', () => {
  it.each(['access', 'refresh'] as const)('returns the claims of a valid %s token', async (kind) => {
    const user = await givenUser(server)
    const { body } = await server.send('GET', '/session', { token: user.access_token })
    const token = user[`${kind}_token`]
    const { iat, exp } = jwt.decode(token, { json: true }) ?? {}
    expect(await verify(token)).toEqual({
      active: true,
      token_type: kind,
      sub: user.uuid,
      user_id: user.id,
      session_id: body.session.id,
      iat,
      exp,
    })
    expect((exp ?? 0) - (iat ?? 0)).toBe(kind === 'access' ? 900 : 604_800)
  })

  it('changes nothing: the token works as before', async () => {
    const user = await givenUser(server)
    const before = await server.database.db.session.findFirstOrThrow({ where: { userId: user.id } })
    await verify(user.refresh_token)
    expect(await server.database.db.session.findFirstOrThrow({ where: { userId: user.id } })).toEqual(before)
  })

  it('is inactive for an expired access token while the refresh token lives', async () => {
    const user = await givenUser(server)
    server.pass('16m')
    expect(await verify(user.access_token)).toEqual({ active: false })
    expect(await verify(user.refresh_token)).toMatchObject({ active: true })
  })

  it('is inactive for both tokens beyond the idle limit', async () => {
    const user = await givenUser(server)
    server.pass('8d')
    expect(await verify(user.access_token)).toEqual({ active: false })
    expect(await verify(user.refresh_token)).toEqual({ active: false })
  })

  it('is inactive for both tokens once the session has ended', async () => {
    const user = await givenUser(server)
    await server.send('POST', '/logout', { token: user.access_token })
    expect(await verify(user.access_token)).toEqual({ active: false })
    expect(await verify(user.refresh_token)).toEqual({ active: false })
  })

  it('is inactive for a disabled or deleted user', async () => {
    const { db } = server.database
    const [disabled, deleted] = await Promise.all([givenUser(server), givenUser(server)])
    await db.user.update({ where: { id: disabled.id }, data: { disabledAt: server.now() } })
    await db.user.delete({ where: { id: deleted.id } })
    for (const { access_token, refresh_token } of [disabled, deleted]) {
      expect(await verify(access_token)).toEqual({ active: false })
      expect(await verify(refresh_token)).toEqual({ active: false })
    }
  })

  it('is active for a rotated refresh token while it gets the answer of its first use, and inactive then', async () => {
    const user = await givenUser(server)
    const refresh = () => server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    const { body } = await refresh()
    expect(await verify(user.refresh_token)).toMatchObject({ active: true, token_type: 'refresh' })
    expect((await refresh()).body.refresh_token).toBe(body.refresh_token)
    server.pass('10s')
    expect(await verify(user.refresh_token)).toEqual({ active: false })
    expect(refusalOf(await refresh())).toBe('401 refresh_token_reused')
  })

  it('is inactive for the one before the rotated, and active for its successor and for the older access token', async () => {
    const user = await givenUser(server)
    const first = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    const { body } = await server.send('POST', '/access_token', { body: { refresh_token: first.body.refresh_token } })
    expect(await verify(user.refresh_token)).toEqual({ active: false })
    expect(await verify(body.refresh_token)).toMatchObject({ active: true, token_type: 'refresh' })
    expect(await verify(user.access_token)).toMatchObject({ active: true, token_type: 'access' })
  })

  it.each([
    ['garbage', 'garbage'],
    ['three dots of garbage', 'a.b.c'],
    ['a mailed token', 'p3Yl2v8Jc0dXk1rQ4wTz7nB5mG6hF9aSeUiOoKjHgVc'],
    ['a username', 'ada'],
  ])('is inactive for %s', async (_name, token) => {
    expect(await verify(token)).toEqual({ active: false })
  })

  it('is inactive for a token whose last character was changed', async () => {
    const { access_token } = await givenUser(server)
    const changed = access_token.slice(0, -1) + (access_token.endsWith('A') ? 'Q' : 'A')
    expect(await verify(changed)).toEqual({ active: false })
  })

  it('is inactive for a well-signed token of a session that never existed', async () => {
    const user = await givenUser(server)
    const claims = jwt.decode(user.access_token, { json: true }) ?? {}
    const sid = '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c'
    const forged = jwt.sign({ ...claims, sid, jti: `${sid}.0.access` }, accessTokenKeyOf(server.settings), {
      header: { alg: 'HS256', typ: 'at+jwt' },
    })
    expect(await verify(forged)).toEqual({ active: false })
  })
})
