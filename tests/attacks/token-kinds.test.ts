import { endpoints } from '../support/endpoints.ts'
import { exchange } from '../support/exchange.ts'
import type { User } from '../support/fixtures.ts'
import {
  givenRegistration,
  givenResetToken,
  givenVerificationToken,
  givenVerifiedUser,
  randomUser,
} from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

type Kind = 'access' | 'refresh' | 'verification' | 'registration' | 'reset'

let server: TestServer
let strict: TestServer
let user: User
let tokens: Record<Kind, string>
beforeAll(async () => {
  server = await startServer()
  const { DATABASE_URL = '' } = server.settings
  strict = await startServer({ DATABASE_URL, EMAIL_VERIFICATION: 'required' })
})
beforeEach(async () => {
  user = await givenVerifiedUser(server)
  tokens = {
    access: user.access_token,
    refresh: user.refresh_token,
    verification: await givenVerificationToken(server, user),
    registration: (await givenRegistration(strict)).token,
    reset: await givenResetToken(server, user),
  }
})
afterAll(() => Promise.all([server.close(), strict.close()]))

const kinds: readonly Kind[] = ['access', 'refresh', 'verification', 'registration', 'reset']
const { password } = randomUser()
const new_password = 'another horse battery'
const uid = () => Buffer.from(String(user.id)).toString('base64url')

type Send = (token: string) => Promise<{ readonly status: number }>

const bearer =
  (method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: object): Send =>
  (token) =>
    server.send(method, path, { token, body })

const inBody =
  (path: string, field: string, rest: object = {}): Send =>
  (token) =>
    server.send('POST', path, { body: { [field]: token, ...rest } })

/** Every place that takes a token, with the kinds that it is for and the status of a refusal. */
const places: readonly (readonly [place: string, send: Send, taken: readonly Kind[], refusal: number])[] = [
  ['GET /session', bearer('GET', '/session'), ['access'], 401],
  ['GET /sessions', bearer('GET', '/sessions'), ['access'], 401],
  ['GET /tokens', bearer('GET', '/tokens'), ['access'], 401],
  ['POST /tokens', bearer('POST', '/tokens', {}), ['access'], 401],
  ['POST /logout as bearer', bearer('POST', '/logout'), ['access'], 401],
  ['POST /logout_all', bearer('POST', '/logout_all'), ['access'], 401],
  ['GET /api/protected/', bearer('GET', '//api/protected/'), ['access'], 401],
  ['GET /api/auth/profile/', bearer('GET', '//api/auth/profile/'), ['access'], 401],
  ['GET /api/v1/drf/auth/me/', bearer('GET', '//api/v1/drf/auth/me/'), ['access'], 401],
  ['POST /access_token', inBody('/access_token', 'refresh_token'), ['refresh'], 401],
  ['POST /logout', inBody('/logout', 'refresh_token'), ['refresh'], 401],
  ['POST /api/refresh/', inBody('//api/refresh/', 'refresh'), ['refresh'], 401],
  ['POST /api/logout/', inBody('//api/logout/', 'refresh'), ['refresh'], 401],
  ['POST /api/auth/login/refresh/', inBody('//api/auth/login/refresh/', 'refresh'), ['refresh'], 401],
  ['POST /api/auth/token/refresh/', inBody('//api/auth/token/refresh/', 'refresh'), ['refresh'], 401],
  ['POST /api/auth/logout/', inBody('//api/auth/logout/', 'refresh'), ['refresh'], 401],
  [
    'POST /api/v1/drf/auth/token/refresh/',
    inBody('//api/v1/drf/auth/token/refresh/', 'refresh_token'),
    ['refresh'],
    401,
  ],
  ['POST /api/v1/drf/auth/logout/', inBody('//api/v1/drf/auth/logout/', 'refresh_token'), ['refresh'], 401],
  ['POST /api/auth/token/verify/', inBody('//api/auth/token/verify/', 'token'), ['access', 'refresh'], 401],
  ['POST /verify_email', inBody('/verify_email', 'token', { password }), ['verification', 'registration'], 400],
  [
    'POST /api/auth/verify-email/',
    inBody('//api/auth/verify-email/', 'token', { password }),
    ['verification', 'registration'],
    400,
  ],
  ['POST /reset_password', inBody('/reset_password', 'token', { new_password }), ['reset'], 400],
  [
    'POST /api/auth/password/reset/confirm/',
    inBody('//api/auth/password/reset/confirm/', 'token', { new_password, new_password_confirm: new_password }),
    ['reset'],
    400,
  ],
  [
    'PATCH /api/auth/password-reset-confirm/',
    (token) =>
      server.send('PATCH', `//api/auth/password-reset-confirm/${uid()}/${token}/`, {
        body: { password: new_password },
      }),
    ['reset'],
    400,
  ],
]

const bearers = endpoints.filter(({ access }) => access.startsWith('bearer'))

/** Everything that a token could change. */
async function state(): Promise<unknown> {
  const { db } = server.database
  const [users, sessions, mailTokens] = await Promise.all([
    db.user.findMany({ orderBy: { id: 'asc' } }),
    db.session.findMany({ orderBy: { id: 'asc' } }),
    db.mailToken.findMany(),
  ])
  return { users, sessions, mailTokens: mailTokens.map((row) => JSON.stringify(row)).sort() }
}

async function expectRefusals(send: Send, presented: readonly Kind[], refusal: number): Promise<void> {
  const before = await state()
  for (const kind of presented) {
    const { status } = await send(tokens[kind])
    expect([kind, status]).toEqual([kind, refusal])
  }
  expect(await state()).toEqual(before)
}

describe('a token of one kind', () => {
  it.each(places)('is accepted as no other kind at %s', async (_place, send, taken, refusal) => {
    await expectRefusals(
      send,
      kinds.filter((kind) => !taken.includes(kind)),
      refusal,
    )
    for (const kind of taken) expect([kind, Math.floor((await send(tokens[kind])).status / 100)]).toEqual([kind, 2])
  })

  it.each(bearers)('is accepted as no access token at $route', async (target) => {
    const { method, path } = target
    const send = (token: string) =>
      exchange(server.url, path, { method, headers: { Authorization: `Bearer ${token}` } })
    await expectRefusals(
      send,
      kinds.filter((kind) => kind !== 'access'),
      401,
    )
  })

  it('is reported by its kind, and a mailed one is never reported as valid', async () => {
    for (const kind of kinds) {
      const { body } = await server.send('POST', '/verify_token', { body: { token: tokens[kind] } })
      const isSessions = kind === 'access' || kind === 'refresh'
      expect(body).toEqual(isSessions ? expect.objectContaining({ active: true, token_type: kind }) : { active: false })
    }
  })
})
