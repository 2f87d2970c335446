import { needsAccessToken } from '../../../src/http/contracts/endpoint.ts'
import { problemDetails } from '../../../src/http/contracts/error-format.ts'
import { refusalOf } from '../../support/answers.ts'
import type { Target } from '../../support/endpoints.ts'
import { djangoEndpoints, sampleBody, targets } from '../../support/endpoints.ts'
import { django, foreignRefusalOf } from '../../support/error-formats.ts'
import type { Exchanged } from '../../support/exchange.ts'
import type { User } from '../../support/fixtures.ts'
import { countSessions, eventsOf, givenUser, givenVerificationToken } from '../../support/fixtures.ts'
import { call } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

/** Where only the contract at /api/auth requires verification, and where all do; on one database. */
let optional: TestServer
let required: TestServer
beforeAll(async () => {
  optional = await startServer()
  required = await startServer({ ...optional.settings, EMAIL_VERIFICATION: 'required' })
})
afterAll(() => Promise.all([required.close(), optional.close()]))

const places = [
  ...targets.map((target) => ({ where: 'where all require it', server: () => required, target })),
  ...targets
    .filter(({ contract }) => contract === 'rest-auth')
    .map((target) => ({ where: 'where only this contract does', server: () => optional, target })),
].map((place) => ({ ...place, route: place.target.route }))

const logsOut = (target: Target) => /^logOut/.test(target.name)
const bearing = places.filter(({ target }) => needsAccessToken(target.access) && !logsOut(target))
const refreshing = places.filter(({ target }) => target.access === 'refresh')
const leaving = places.filter(({ target }) => logsOut(target))
const introspecting = places.filter(({ target }) => ['verifyToken', 'requireToken'].includes(target.name))

/** The request with everything that it needs, sent by the user. */
function ask(server: TestServer, target: Target, user: User): Promise<Exchanged> {
  const known = { token: user.access_token, refresh_token: user.refresh_token, current_password: user.password }
  const named = Object.entries(known).flatMap(([field, value]) => {
    const word = target.word(field)
    return word === undefined ? [] : [[word, value]]
  })
  const body = { ...sampleBody(target), ...Object.fromEntries(named) }
  return call(server, {
    method: target.method,
    path: target.path,
    ...(target.access.startsWith('bearer') && { token: user.access_token }),
    ...(target.hasBody && { body }),
  })
}

/** Fails unless the answer is the refusal in its contract's error format. The body of a further format is read by the test of that contract. */
function expectRefusal(target: Target, answer: Exchanged, { own, asDjango }: { own: string; asDjango: string }): void {
  if (djangoEndpoints.includes(target)) expect(foreignRefusalOf(answer)).toBe(asDjango)
  else if (target.errorFormat === problemDetails) expect(refusalOf(answer)).toBe(own)
  else expect(answer.status).toBe(Number.parseInt(own, 10))
}

async function verify(user: User): Promise<void> {
  const token = await givenVerificationToken(optional, user)
  expect((await optional.send('POST', '/verify_email', { body: { token } })).status).toBe(200)
}

const sessionOf = ({ id }: User) => optional.database.db.session.findFirstOrThrow({ where: { userId: id } })

describe('the session of a user whose address is not verified', () => {
  it.each(bearing)('is of no use at $route, $where, until the address is verified', async ({ server, target }) => {
    const user = await givenUser(optional)
    const before = [await sessionOf(user), await eventsOf(optional, user)]
    expectRefusal(target, await ask(server(), target, user), {
      own: '403 email_not_verified',
      asDjango: '401 {"detail":"User is inactive","code":"user_inactive"}',
    })
    expect([await sessionOf(user), await eventsOf(optional, user)]).toEqual(before)
    await verify(user)
    expect([401, 403]).not.toContain((await ask(server(), target, user)).status)
  })

  it.each(refreshing)(
    'is not refreshed at $route, $where, until the address is verified',
    async ({ server, target }) => {
      const user = await givenUser(optional)
      const before = await sessionOf(user)
      expectRefusal(target, await ask(server(), target, user), {
        own: '403 email_not_verified',
        asDjango: '401 {"detail":"No active account found for the given token."}',
      })
      expect(await sessionOf(user)).toEqual(before)
      await verify(user)
      expect((await ask(server(), target, user)).status).toBe(200)
    },
  )

  it.each(introspecting)('is reported as inactive at $route, $where', async ({ server, target }) => {
    const user = await givenUser(optional)
    for (const token of [user.access_token, user.refresh_token]) {
      const holder = { ...user, access_token: token }
      const answer = await ask(server(), target, holder)
      if (djangoEndpoints.includes(target)) expect(foreignRefusalOf(answer)).toBe(django.badRefresh)
      else expect(answer.body).toEqual({ active: false })
    }
    await verify(user)
    for (const token of [user.access_token, user.refresh_token]) {
      expect((await ask(server(), target, { ...user, access_token: token })).status).toBe(200)
    }
  })

  it.each(leaving)('can be ended at $route, $where', async ({ server, target }) => {
    const user = await givenUser(optional)
    expect(Math.floor((await ask(server(), target, user)).status / 100)).toBe(2)
    expect(await countSessions(optional, user)).toBe(0)
  })

  it('is ended by its access token alone, where verification is required', async () => {
    for (const path of ['/logout', '/logout_all']) {
      const user = await givenUser(optional)
      expect((await required.send('POST', path, { token: user.access_token })).status).toBe(200)
      expect(await countSessions(optional, user)).toBe(0)
    }
  })

  it('is still found to be copied, where verification is required', async () => {
    const user = await givenUser(optional)
    await optional.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    optional.pass('1m')
    const again = await required.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    expect(refusalOf(again)).toBe('401 refresh_token_reused')
    expect((await sessionOf(user)).revokedReason).toBe('reuse_detected')
  })

  it('goes on where verification is optional', async () => {
    const user = await givenUser(optional)
    expect((await optional.send('GET', '/session', { token: user.access_token })).status).toBe(200)
    expect((await required.send('GET', '/session', { token: user.access_token })).status).toBe(403)
    expect((await optional.send('GET', '/session', { token: user.access_token })).status).toBe(200)
  })
})
