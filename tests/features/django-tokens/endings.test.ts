import type { Client } from '../../support/clients.ts'
import { clients } from '../../support/clients.ts'
import { collide } from '../../support/collision.ts'
import { djangoKey, djangoToken, givenImportedUser } from '../../support/django-tokens.ts'
import { countSessions, givenResetToken, givenSession } from '../../support/fixtures.ts'
import { call } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DJANGO_SECRET_KEY: djangoKey, DATABASE_POOL: '20' })
})
afterAll(() => server.close())

type ImportedUser = Awaited<ReturnType<typeof givenImportedUser>>

const newPassword = 'another horse battery'

async function givenUserRow({ id }: ImportedUser) {
  const user = await server.services.administration.find({ id })
  if (!user) throw new Error('the user is gone')
  return user
}

const operator = {
  ...{ requestId: '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c', ip: '127.0.0.1', network: '127.0.0.1', userAgent: '' },
  ...{ bearer: undefined, device: undefined, operator: 'ada' },
  policy: {
    contract: 'v1',
    verificationRequired: false,
    linkCompletesRegistration: false,
    lifetimes: { accessLifetime: 900, refreshLifetime: 86_400, sessionLifetime: 86_400 },
    links: { verifyEmail: String, resetPassword: String },
  },
} as const

/** What ends all sessions of a user. */
const endings: Readonly<Record<string, (user: ImportedUser) => Promise<unknown>>> = {
  'a changed password': async (user) => {
    const body = { current_password: user.password, new_password: newPassword }
    const { access_token: token } = await givenSession(server, user)
    expect((await server.send('POST', '/change_password', { token, body })).status).toBe(200)
  },
  'a reset password': async (user) => {
    const token = await givenResetToken(server, user)
    const answer = await server.send('POST', '/reset_password', { body: { token, new_password: newPassword } })
    expect(answer.status).toBe(200)
  },
  'a password that an operator has set': async (user) =>
    server.services.passwords.set(await givenUserRow(user), newPassword, operator),
  'a logout everywhere': async (user) => {
    const { access_token: token } = await givenSession(server, user)
    expect((await server.send('POST', '/logout_all', { token })).status).toBe(200)
  },
  'a user who was disabled and enabled again': async (user) => {
    await server.services.administration.disable(await givenUserRow(user), operator)
    await server.services.administration.enable(await givenUserRow(user), operator)
  },
}

describe.each(Object.keys(endings))('after %s', (name) => {
  const end = endings[name] as (user: ImportedUser) => Promise<unknown>

  it.each(clients)('tokens that Django issued before are refused, swapped or not, at $name', async (client) => {
    const user = await givenImportedUser(server)
    const [unused, used] = [djangoToken(server, user.djangoId), djangoToken(server, user.djangoId)]
    const session = await call(server, client.refresh(used))
    expect(session.status).toBe(200)
    await end(user)
    for (const token of [unused, used]) {
      expect(client.refusalOf(await call(server, client.refresh(token)))).toBe(client.says.endedRefresh)
    }
    const { access } = client.tokensIn(session.body)
    expect(client.refusalOf(await call(server, client.look(access)))).toBe(client.says.ended)
    // An earlier end is remembered for as long as a token of Django may live.
    server.pass('100d')
    await server.services.cleanUp.run()
    const iat = Math.floor(server.now().getTime() / 1000) - 101 * 86_400
    const older = djangoToken(server, user.djangoId, { claims: { iat } })
    expect(client.refusalOf(await call(server, client.refresh(older)))).toBe(client.says.endedRefresh)
  })

  it('a token of the same second is refused, one of the next is not, and one that does not say is refused', async () => {
    const user = await givenImportedUser(server)
    await end(user)
    const { epochBeganAt } = await server.database.db.user.findUniqueOrThrow({ where: { id: user.id } })
    const second = Math.floor((epochBeganAt?.getTime() ?? 0) / 1000)
    const statuses = []
    for (const iat of [second - 1, second, undefined, second + 1]) {
      const refresh_token = djangoToken(server, user.djangoId, { claims: { iat } })
      statuses.push((await server.send('POST', '/access_token', { body: { refresh_token } })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 200])
  })
})

describe('a refresh token of Django', () => {
  const refresh = (refresh_token: string) => server.send('POST', '/access_token', { body: { refresh_token } })

  it('without the instant at which it was issued is good as long as no session was ended', async () => {
    const { djangoId } = await givenImportedUser(server)
    expect((await refresh(djangoToken(server, djangoId, { claims: { iat: undefined } }))).status).toBe(200)
  })

  it('of a disabled user is refused', async () => {
    const user = await givenImportedUser(server)
    await server.services.administration.disable(await givenUserRow(user), operator)
    server.pass('1m')
    expect((await refresh(djangoToken(server, user.djangoId))).body.code).toBe('session_revoked')
  })

  it('of a deleted user is refused', async () => {
    const user = await givenImportedUser(server)
    await server.services.administration.delete(await givenUserRow(user), operator)
    expect((await refresh(djangoToken(server, user.djangoId))).body.code).toBe('token_invalid')
  })

  it('opens no session that outlives a password change at the same moment', async () => {
    for (const isFirst of [true, false]) {
      const user = await givenImportedUser(server)
      const token = await givenResetToken(server, user)
      const reset = () => server.send('POST', '/reset_password', { body: { token, new_password: newPassword } })
      const swap = () => refresh(djangoToken(server, user.djangoId))
      const answers = await collide(server, user.id, isFirst ? [swap, reset] : [reset, swap], 'users')
      expect(answers[isFirst ? 1 : 0]?.status).toBe(200)
      expect(await countSessions(server, user)).toBe(0)
    }
  })

  it('that goes on for a session is refused after a password change that keeps the session', async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId)
    const keeping = clients[1] as Client
    const { access } = keeping.tokensIn((await call(server, keeping.refresh(token))).body)
    const body = { old_password: user.password, new_password: newPassword }
    const changed = await call(server, { method: 'POST', path: '/api/change-password/', token: access, body })
    expect(changed.status).toBe(200)
    expect((await call(server, keeping.look(access))).status).toBe(200)
    expect(keeping.refusalOf(await call(server, keeping.refresh(token)))).toBe(keeping.says.endedRefresh)
  })
})
