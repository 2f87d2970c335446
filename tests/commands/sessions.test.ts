import { eventsOf, operate, refusalOfCommand } from '../support/command.ts'
import { givenSession, givenUser } from '../support/fixtures.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const statusOf = async ({ access_token: token }: { access_token: string }) =>
  (await server.send('GET', '/session', { token })).status

it('sessions list shows the live sessions of a user, and revoke ends one of them or all', async () => {
  const user = await givenUser(server)
  const [second, third] = [await givenSession(server, user), await givenSession(server, user)]
  const listed = JSON.parse(await operate(server, 'sessions', 'list', user.username, '--json'))
  expect(listed.total).toBe(3)
  const [newest] = listed.sessions
  expect(await operate(server, 'sessions', 'list', user.username)).toContain(newest.id)

  await operate(server, 'sessions', 'revoke', newest.id, '--as', 'grace')
  expect([await statusOf(user), await statusOf(second), await statusOf(third)]).toEqual([200, 200, 401])
  expect(await operate(server, 'sessions', 'revoke', '--user', user.username, '--as', 'grace')).toMatch(/: 2 sessions/)
  expect([await statusOf(user), await statusOf(second)]).toEqual([401, 401])
  expect((await eventsOf(server, user.id)).slice(-2)).toEqual([
    { type: 'session_ended', details: { reason: 'ended_by_operator', operator: 'grace' } },
    { type: 'sessions_ended', details: { reason: 'ended_by_operator', count: 2, operator: 'grace' } },
  ])
})

it('sessions revoke refuses what is no live session', async () => {
  const attempts: [args: string[], why: RegExp][] = [
    [[], /^Name one session, or --user/],
    [['x', '--user', 'ada'], /^Name one session, or --user/],
    [['x'], /^There is no live session x/],
    [['0198c5f0-5c1e-4b3e-9b0e-3f2a8f7d2a11'], /^There is no live session/],
  ]
  for (const [args, why] of attempts) {
    expect(await refusalOfCommand(server, ['sessions', 'revoke', ...args])).toMatch(why)
  }
})
