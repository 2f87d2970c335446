import { refusalOf, times } from '../../support/answers.ts'
import type { TokenPair } from '../../support/fixtures.ts'
import { givenUser, mailsTo } from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DATABASE_POOL: '20', REFRESH_GRACE_UNSEEN: '24h' })
})
afterAll(() => server.close())

type Tokens = Pick<TokenPair, 'access_token' | 'refresh_token'>

const refresh = ({ refresh_token }: Tokens, on = server) =>
  on.send('POST', '/access_token', { body: { refresh_token } })
const look = ({ access_token }: Tokens) => server.send('GET', '/session', { token: access_token })
const verify = (token: string) => server.send('POST', '/verify_token', { body: { token } })

/** A session whose last refresh was answered an hour ago. */
async function givenRefreshed() {
  const user = await givenUser(server)
  const { body: next } = await refresh(user)
  server.pass('1h')
  return { user, next: next as TokenPair }
}

describe('where REFRESH_GRACE_UNSEEN is set', () => {
  it('forgives a lost answer: the refresh token still gets the refresh token that followed, with an access token that lives', async () => {
    const { user, next } = await givenRefreshed()
    const { status, body } = await refresh(user)
    expect([status, body.refresh_token, body.expires_in]).toEqual([200, next.refresh_token, 900])
    expect((await look(body)).status).toBe(200)
    expect((await refresh(body)).status).toBe(200)
  })

  it('forgives it as often as the answer is lost, for that long since the rotation and no longer', async () => {
    const { user } = await givenRefreshed()
    server.pass('22h')
    expect((await refresh(user)).status).toBe(200)
    expect((await verify(user.refresh_token)).body).toMatchObject({ active: true })
    server.pass('1h')
    expect((await verify(user.refresh_token)).body).toEqual({ active: false })
    expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
  })

  it.each<[string, (next: TokenPair) => Promise<unknown>]>([
    ['its access token at any endpoint', look],
    [
      'its access token in another contract',
      ({ access_token: token }) => server.send('GET', '//api/v1/drf/auth/me/', { token }),
    ],
    ['its access token, introspected', ({ access_token }) => verify(access_token)],
    ['its refresh token, introspected', ({ refresh_token }) => verify(refresh_token)],
    [
      'its access token at a login',
      ({ access_token }) =>
        server.send('POST', '/login_credentials', {
          body: { username: 'unregistered', password: 'x' },
          token: access_token,
        }),
    ],
  ])('finds the thief at the first sight of the pair that followed: %s', async (_what, show) => {
    const user = await givenUser(server)
    const { body: next } = await refresh(user)
    await show(next)
    server.pass('1h')
    expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
    expect(refusalOf(await refresh(next))).toBe('401 session_revoked')
    expect((await mailsTo(server, user.email)).map(({ subject }) => subject)).toContain('We ended one of your sessions')
  })

  it('counts an access token that has expired as seen', async () => {
    const { user, next } = await givenRefreshed()
    expect(refusalOf(await look(next))).toBe('401 access_token_expired')
    expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
  })

  it('counts an expired access token as seen at a logout and an introspection, too', async () => {
    for (const show of [
      ({ access_token: token }: Tokens) => server.send('POST', '/logout', { token }),
      ({ access_token }: Tokens) => verify(access_token),
    ]) {
      const { user, next } = await givenRefreshed()
      await show(next)
      expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
    }
  })

  // If only a refresh token ended the forgiveness, the two could take turns for ever, each one generation behind.
  it('finds the thief at the first token that the two do not share', async () => {
    const { user, next: ofThief } = await givenRefreshed()
    const { body: shared } = await refresh(user)
    expect(shared.refresh_token).toBe(ofThief.refresh_token)
    const { body: onlyThief } = await refresh(ofThief)
    expect((await look(onlyThief)).status).toBe(200)
    server.pass('11s')
    expect(refusalOf(await refresh(shared))).toBe('401 refresh_token_reused')
    expect(refusalOf(await look(onlyThief))).toBe('401 session_revoked')
  })

  it('ends the forgiveness for good when the first sight and the predecessor race', async () => {
    const { user } = await givenRefreshed()
    const { body: next } = await refresh(user)
    await Promise.all([times(5, () => refresh(user)), times(5, () => look(next)), times(5, () => refresh(user))])
    expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
  })

  it('never forgives an old access token at /tokens', async () => {
    const user = await givenUser(server)
    await refresh(user)
    server.pass('11s')
    expect(refusalOf(await server.send('POST', '/tokens', { token: user.access_token }))).toBe(
      '401 refresh_token_reused',
    )
  })

  it('forgives no refresh token that a changed password has replaced', async () => {
    const user = await givenUser(server)
    const { access_token: token, password } = user
    const body = { current_password: password, new_password: 'another good password' }
    expect((await server.send('POST', '/change_password', { token, body })).status).toBe(200)
    server.pass('11s')
    expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
  })

  it('forgives no generation older than the predecessor', async () => {
    const user = await givenUser(server)
    await refresh((await refresh(user)).body)
    server.pass('11s')
    expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
  })

  it('writes once for a generation, however often it is seen', async () => {
    const user = await givenUser(server)
    const { body: next } = await refresh(user)
    const version = async () => {
      const [row] = await server.database.db.$queryRaw<
        object[]
      >`SELECT xmin::text FROM sessions WHERE user_id = ${user.id}`
      return row
    }
    const rotated = await version()
    await look(next)
    const seen = await version()
    expect(seen).not.toEqual(rotated)
    await look(next)
    await verify(next.access_token)
    expect(await version()).toEqual(seen)
  })

  it('forgives no rotation from the time when it was off', async () => {
    await withServer({ ...server.settings, REFRESH_GRACE_UNSEEN: '0s' }, async (off) => {
      const user = await givenUser(off)
      await refresh(user, off)
      off.pass('1h')
      expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
    })
  })
})

it('is off by default: a refresh token is a copy once the grace window is over', async () => {
  await withServer({}, async (plain) => {
    const user = await givenUser(plain)
    await refresh(user, plain)
    plain.pass('11s')
    expect(refusalOf(await refresh(user, plain))).toBe('401 refresh_token_reused')
  })
})
