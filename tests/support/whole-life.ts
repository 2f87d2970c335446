import { refusalOf, times } from './answers.ts'
import { runSql } from './catalog.ts'
import { eventsOf, givenResetToken, givenUser, givenVerificationToken, logIn } from './fixtures.ts'
import type { TestServer } from './server.ts'

/**
 * Plays a user's life from the registration to the last logout, with twenty logins at once. Checks each answer, and the
 * instants in the tables as another program at that address reads them.
 */
export async function liveWholeLife(server: TestServer, databaseUrl: string, schema = 'public'): Promise<void> {
  const { send } = server
  const began = server.now().getTime()
  const user = await givenUser(server)
  const verified = await send('POST', '/verify_email', { body: { token: await givenVerificationToken(server, user) } })
  expect(verified.status).toBe(200)

  const logins = await times(20, () => logIn(server, user.username, user.password))
  expect(logins.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const { access_token, refresh_token } = logins[0]?.body ?? {}
  expect((await send('GET', '/sessions', { token: access_token })).body.sessions).toHaveLength(21)

  const refreshed = await send('POST', '/access_token', { body: { refresh_token } })
  expect(refreshed.status).toBe(200)
  expect((await send('POST', '/access_token', { body: { refresh_token } })).text).toBe(refreshed.text)

  const wrong = await logIn(server, user.username, 'a wrong password')
  expect(refusalOf(wrong)).toBe('401 credentials_invalid')
  const change = { current_password: user.password, new_password: 'a second good password' }
  const token = refreshed.body.access_token
  expect((await send('POST', '/change_password', { body: change, token })).status).toBe(200)
  expect(refusalOf(await send('GET', '/session', { token: user.access_token }))).toBe('401 session_revoked')

  const reset = { token: await givenResetToken(server, user), new_password: 'a third good password' }
  expect((await send('POST', '/reset_password', { body: reset })).status).toBe(200)
  const last = await logIn(server, user.email, reset.new_password)
  expect(last.status).toBe(200)
  expect((await send('POST', '/logout', { token: last.body.access_token, body: {} })).status).toBe(200)
  expect(refusalOf(await send('GET', '/session', { token: last.body.access_token }))).toBe('401 session_revoked')

  const { last_login, date_joined } = last.body.user
  const [seen] = await runSql<object>(
    databaseUrl,
    `SELECT (extract(epoch FROM joined_at) * 1000)::bigint AS joined, (extract(epoch FROM last_login_at) * 1000)::bigint AS login
       FROM "${schema}".users WHERE id = ${user.id}`,
  )
  expect(seen).toEqual({ joined: String(Date.parse(date_joined)), login: String(Date.parse(last_login)) })
  const instants = [Date.parse(date_joined), Date.parse(last_login)]
  const events = await eventsOf(server, user)
  expect(events.length).toBeGreaterThan(25)
  for (const instant of [...instants, ...events.map(({ at }) => at.getTime())]) {
    expect(Math.abs(instant - began)).toBeLessThan(600_000)
  }
}
