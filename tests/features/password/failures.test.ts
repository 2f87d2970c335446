import type { Response } from 'supertest'
import { times } from '../../support/answers.ts'
import type { Credentials, User } from '../../support/fixtures.ts'
import {
  eventsOf,
  givenDisabled,
  givenResetToken,
  givenSession,
  givenUser,
  givenVerifiedUser,
  logIn,
  randomUser,
  recordedBy,
} from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ HASH_QUEUE: '1000' })
})
afterAll(() => server.close())

const wrong = 'correct horse batterx'
const failuresOf = async (user: User) =>
  (await eventsOf(server, user)).filter(({ type }) => type === 'login_failed').map(({ details }) => details)

/** With pauses, so that each is compared. */
async function fail(count: number, { username }: Credentials): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await logIn(server, username, wrong)
    server.pass('900s')
  }
}

describe('a login that fails', () => {
  it.each([
    ['/login_credentials', ({ username }: Credentials) => ({ username, password: wrong })],
    ['/refresh_token', ({ email }: Credentials) => ({ username: email, password: wrong })],
    ['//api/auth/login/', ({ email }: Credentials) => ({ email, password: wrong })],
    ['//api/login/', ({ username }: Credentials) => ({ username, password: wrong })],
    ['//api/v1/drf/auth/login/', ({ email }: Credentials) => ({ email, password: wrong })],
  ])('is in the audit trail, with when and from where: POST %s', async (path, bodyOf) => {
    const user = await givenVerifiedUser(server)
    const events = await recordedBy(server, 'POST', path, { body: bodyOf(user) })
    expect(events).toEqual([{ type: 'login_failed', userId: user.id, sessionId: null, details: { failures: 1 } }])
  })

  it('is recorded at the 1st, 5th, 10th, 20th, 50th and 100th consecutive failure, once each', async () => {
    const user = await givenUser(server)
    await fail(105, user)
    expect(await failuresOf(user)).toEqual([1, 5, 10, 20, 50, 100].map((failures) => ({ failures })))
  })

  it('is counted anew after a success', async () => {
    const user = await givenUser(server)
    await fail(3, user)
    await givenSession(server, user)
    await fail(1, user)
    expect(await failuresOf(user)).toEqual([{ failures: 1 }, { failures: 1 }])
  })

  it('leaves two rows when 200 come at once', async () => {
    const user = await givenUser(server)
    await times(200, () => logIn(server, user.username, wrong))
    const failures = await failuresOf(user)
    expect(failures).toHaveLength(2)
    expect(failures).toEqual(expect.arrayContaining([{ failures: 1 }, { failures: 5 }]))
  })

  it('is not recorded where the account is blocked and nothing was compared', async () => {
    const user = await givenUser(server)
    for (let index = 0; index < 5; index += 1) await logIn(server, user.username, wrong)
    const events = await recordedBy(server, 'POST', '/login_credentials', {
      body: { username: user.username, password: wrong },
    })
    expect(events).toEqual([])
  })

  it('is recorded as disabled for a disabled user, also with the right password', async () => {
    const user = await givenUser(server)
    await givenDisabled(server, user)
    await logIn(server, user.username, user.password)
    expect(await failuresOf(user)).toEqual([{ failures: 1, disabled: true }])
  })

  it("is recorded with the device's own failures from a trusted device", async () => {
    const user = await givenUser(server)
    await fail(2, user)
    const { username } = user
    const body = { username, password: wrong }
    const { body: fresh } = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
    const events = await recordedBy(server, 'POST', '/login_credentials', { token: fresh.access_token, body })
    expect(events.map(({ details }) => details)).toEqual([{ failures: 3, trusted_device_failures: 1 }])
  })

  it('is logged, too', async () => {
    const user = await givenUser(server)
    const before = server.logged.length
    await logIn(server, user.username, wrong)
    const lines = server.logged.slice(before).map((line) => JSON.parse(line))
    expect(lines.filter(({ event }) => event === 'login_failed')).toMatchObject([
      { user_id: user.id, ip: '127.0.0.1', failures: 1 },
    ])
  })
})

describe('a change of the password that fails', () => {
  it.each([
    ['/change_password', { current_password: wrong, new_password: 'another good password' }],
    ['//api/change-password/', { old_password: wrong, new_password: 'another good password' }],
    ['//api/v1/drf/auth/change-password/', { current_password: wrong, new_password: 'another good password' }],
  ])('is in the audit trail, with its session: POST %s', async (path, body) => {
    const user = await givenVerifiedUser(server)
    const { id } = (await server.send('GET', '/session', { token: user.access_token })).body.session
    const events = await recordedBy(server, 'POST', path, { token: user.access_token, body })
    const details = { failures: 1, trusted_device_failures: 1 }
    expect(events).toEqual([{ type: 'password_change_failed', userId: user.id, sessionId: id, details }])
  })
})

describe('logins with unregistered names', () => {
  const linesOf = (on: TestServer) =>
    on.logged.map((line) => JSON.parse(line)).filter(({ event }) => event === 'login_failed')

  it('are not recorded, and logged ten times a minute at most, without the name', async () => {
    await withServer({}, async (fresh) => {
      const names: string[] = []
      const guess = async (): Promise<Response> => {
        const { username } = randomUser()
        names.push(username)
        return logIn(fresh, username, wrong)
      }
      for (let index = 0; index < 15; index += 1) await guess()
      expect(linesOf(fresh)).toHaveLength(10)
      fresh.pass('1m')
      await guess()
      expect(linesOf(fresh)).toHaveLength(11)
      expect(linesOf(fresh).at(-1)).toMatchObject({
        user_id: null,
        throttle_key: expect.stringMatching(/^name:[\w-]{16}$/),
        ip: '127.0.0.1',
        failures: 1,
        left_out: 5,
      })
      expect(await fresh.database.db.event.count()).toBe(0)
      const kept = JSON.stringify([fresh.logged, await fresh.database.db.passwordAttempts.findMany()])
      for (const name of names) expect(kept).not.toContain(name)
    })
  })

  it('are logged with the number of tries per name, by its digest', async () => {
    await withServer({}, async (fresh) => {
      const { username } = randomUser()
      for (let index = 0; index < 5; index += 1) await logIn(fresh, username, wrong)
      const lines = linesOf(fresh)
      expect(lines.map(({ failures }) => failures)).toEqual([1, 5])
      expect(new Set(lines.map(({ throttle_key }) => throttle_key))).toEqual(
        new Set([expect.stringMatching(/^name:[\w-]{16}$/)]),
      )
    })
  })
})

it('a reset with an invalid token is not recorded, whether it names a user or not', async () => {
  const user = await givenUser(server)
  const token = await givenResetToken(server, user)
  server.pass('31m')
  for (const tried of [token, 'x'.repeat(43)]) {
    const body = { token: tried, new_password: 'another good password' }
    expect(await recordedBy(server, 'POST', '/reset_password', { body })).toEqual([])
  }
})
