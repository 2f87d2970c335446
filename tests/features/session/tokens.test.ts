import { keysOf, pairKeys, refusalOf, secondsBetween, times } from '../../support/answers.ts'
import { collide, many } from '../../support/collision.ts'
import type { TokenPair } from '../../support/fixtures.ts'
import { eventsOf, givenSession, givenUser, mailsTo, recordedBy } from '../../support/fixtures.ts'
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

const refresh = ({ refresh_token }: TokenPair, on = server) =>
  on.send('POST', '/access_token', { body: { refresh_token } })

describe.each(['GET', 'POST'] as const)('%s /tokens', (method) => {
  const renew = ({ access_token }: TokenPair, on = server) => on.send(method, '/tokens', { token: access_token })

  it('answers with a new pair of the same session', async () => {
    const user = await givenUser(server)
    const before = await server.send('GET', '/session', { token: user.access_token })
    const { status, body } = await renew(user)
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(pairKeys)
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 900, refresh_expires_in: 604_800 })
    const after = await server.send('GET', '/session', { token: body.access_token })
    expect(after.body.session.id).toBe(before.body.session.id)
    expect(await server.database.db.session.count({ where: { userId: user.id } })).toBe(1)
  })

  it('rotates the refresh token: the new one works, the old one has only the grace window', async () => {
    const user = await givenUser(server)
    const { body } = await renew(user)
    expect(body.refresh_token).not.toBe(user.refresh_token)
    expect((await refresh(user)).body).toEqual(body)
    expect((await refresh(body)).status).toBe(200)
    expect(refusalOf(await refresh(user))).toBe('401 refresh_token_reused')
  })

  it('moves the idle limit and never the absolute one', async () => {
    const user = await givenUser(server)
    const before = await server.send('GET', '/session', { token: user.access_token })
    server.pass('10m')
    const { body } = await renew(user)
    const after = await server.send('GET', '/session', { token: body.access_token })
    expect(secondsBetween(before.body.session.expires_at, after.body.session.expires_at)).toBe(600)
    expect(after.body.session.ends_at).toBe(before.body.session.ends_at)
  })

  it('gives one successor to 50 requests at once', async () => {
    const user = await givenUser(server)
    const answers = await collide(
      server,
      user.id,
      many(50, () => renew(user)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    const session = await server.database.db.session.findFirstOrThrow({ where: { userId: user.id } })
    expect(session).toMatchObject({ generation: 1, revokedAt: null })
  })

  it('gives one successor to 50 requests whose order is left to chance', async () => {
    const user = await givenUser(server)
    const answers = await times(50, () => renew(user))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  })

  it('without a grace window lets one of 50 win and ends the session', async () => {
    const user = await givenUser(strict)
    const answers = await collide(
      strict,
      user.id,
      many(50, () => renew(user, strict)),
    )
    const winners = answers.filter(({ status }) => status === 200)
    expect(winners).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(['401 refresh_token_reused', '401 session_revoked']).toContain(refusalOf(answer))
    }
    expect(refusalOf(await refresh(winners[0]?.body, strict))).toBe('401 session_revoked')
  })

  it('repeats the pair for an access token that was just replaced, and treats it as a copy after the grace window', async () => {
    const user = await givenUser(server)
    const first = await renew(user)
    server.pass('9s')
    expect((await renew(user)).text).toBe(first.text)
    server.pass('2s')
    expect(refusalOf(await renew(user))).toBe('401 refresh_token_reused')
    expect(refusalOf(await refresh(first.body))).toBe('401 session_revoked')
    expect(refusalOf(await server.send('GET', '/session', { token: first.body.access_token }))).toBe(
      '401 session_revoked',
    )
  })

  it('treats an access token older than the predecessor as a copy, even inside the grace window', async () => {
    const user = await givenUser(server)
    const second = (await renew((await renew(user)).body)).body
    expect(refusalOf(await renew(user))).toBe('401 refresh_token_reused')
    expect(refusalOf(await refresh(second))).toBe('401 session_revoked')
  })

  it('treats an access token that a refresh has replaced as a copy, too', async () => {
    const user = await givenUser(server)
    const { body } = await refresh(user)
    server.pass('11s')
    expect(refusalOf(await renew(user))).toBe('401 refresh_token_reused')
    expect(refusalOf(await refresh(body))).toBe('401 session_revoked')
  })

  // A thief with one copied access token and its owner took turns through eight generations, unseen.
  it('ends the session when a thief and the owner use one access token in turns, and tells the owner', async () => {
    const user = await givenUser(server)
    const ofOwner = (await renew(user)).body
    server.pass('1m')
    expect(refusalOf(await renew(user))).toBe('401 refresh_token_reused')
    expect(refusalOf(await renew(ofOwner))).toBe('401 session_revoked')
    const events = (await eventsOf(server, user)).filter(({ type }) => type === 'refresh_token_reused')
    expect(events.map(({ details }) => details)).toEqual([{ token: 'access' }])
    const subjects = (await mailsTo(server, user.email)).map(({ subject }) => subject)
    expect(subjects.filter((subject) => /ended one of your sessions/.test(subject))).toHaveLength(1)
  })

  it('is recorded each time that it gives a pair', async () => {
    const user = await givenUser(server)
    const events = await recordedBy(server, method, '/tokens', { token: user.access_token })
    const { id: sessionId } = (await server.send('GET', '/session', { token: user.access_token })).body.session
    const event = { type: 'renewed_with_access_token', userId: user.id, sessionId }
    expect(events).toEqual([{ ...event, details: {} }])
    const repeated = await recordedBy(server, method, '/tokens', { token: user.access_token })
    expect(repeated).toEqual([{ ...event, details: { repeated: true } }])
  })

  it('gives nothing where TOKENS_BY_BEARER is off, and changes nothing', async () => {
    await withServer({ ...server.settings, TOKENS_BY_BEARER: 'off' }, async (careful) => {
      const user = await givenUser(careful)
      expect(refusalOf(await renew(user, careful))).toBe('403 renewal_by_access_token_disabled')
      expect(refusalOf(await careful.send(method, '/tokens'))).toBe('401 unauthenticated')
      const session = await careful.database.db.session.findFirstOrThrow({ where: { userId: user.id } })
      expect(session.generation).toBe(0)
      expect((await refresh(user, careful)).status).toBe(200)
    })
  })

  it('gives 20 sessions at once a successor each', async () => {
    const user = await givenUser(server)
    const sessions = await times(20, () => givenSession(server, user))
    const answers = await Promise.all(sessions.map((session) => renew(session)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(20)
  })

  it('refuses when it comes second to a logout', async () => {
    const user = await givenUser(server)
    const logOut = () => server.send('POST', '/logout', { token: user.access_token })
    const [ending, ...answers] = await collide(server, user.id, [logOut, ...many(5, () => renew(user))])
    expect(ending?.status).toBe(200)
    for (const answer of answers) expect(refusalOf(answer)).toBe('401 session_revoked')
  })

  it('gives nothing that stays valid when it comes before a logout', async () => {
    const user = await givenUser(server)
    const logOut = () => server.send('POST', '/logout', { token: user.access_token })
    const answers = await collide(server, user.id, [() => renew(user), ...many(4, () => renew(user)), logOut])
    expect([answers[0]?.status, answers[5]?.status]).toEqual([200, 200])
    for (const answer of answers.slice(0, 5)) {
      if (answer.status !== 200) expect(refusalOf(answer)).toBe('401 session_revoked')
      else expect(refusalOf(await refresh(answer.body))).toBe('401 session_revoked')
    }
  })

  it('demands a valid access token', async () => {
    const user = await givenUser(server)
    expect(refusalOf(await server.send(method, '/tokens'))).toBe('401 unauthenticated')
    expect(refusalOf(await server.send(method, '/tokens', { token: 'nonsense' }))).toBe('401 token_invalid')
    expect(refusalOf(await server.send(method, '/tokens', { token: user.refresh_token }))).toBe('401 token_invalid')
    server.pass('16m')
    expect(refusalOf(await renew(user))).toBe('401 access_token_expired')
  })
})
