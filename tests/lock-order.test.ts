import type { Response } from 'supertest'
import { breakConnections, withClient } from './support/database.ts'
import { givenResetToken, givenUser } from './support/fixtures.ts'
import type { TestServer } from './support/server.ts'
import { withServer } from './support/server.ts'

interface Fixture {
  readonly user: { readonly username: string; readonly email: string; readonly password: string }
  readonly token: string
  readonly copiedToken: string
  readonly resetToken: string
}

/** The requests that change several things of one user. */
const userChanges: Readonly<Record<string, (server: TestServer, fixture: Fixture) => Promise<Response>>> = {
  'changing the password': (server, { token, user: { password } }) =>
    server.send('POST', '/change_password', {
      token,
      body: { current_password: password, new_password: 'another horse battery' },
    }),
  'resetting the password': (server, { resetToken: token }) =>
    server.send('POST', '/reset_password', { body: { token, new_password: 'a third horse battery' } }),
  'showing a copied token': (server, { copiedToken: refresh_token }) =>
    server.send('POST', '/access_token', { body: { refresh_token } }),
  'logging out everywhere': (server, { token }) => server.send('POST', '/logout_all', { token }),
  'asking for a reset': (server, { user: { email } }) => server.send('POST', '/forgot_password', { body: { email } }),
  'logging in': (server, { user: { username, password } }) =>
    server.send('POST', '/login_credentials', { body: { username, password } }),
}

/** The address is not verified, so notices are limited too. */
async function givenFixture(server: TestServer): Promise<Fixture> {
  const user = await givenUser(server)
  const resetToken = await givenResetToken(server, user)
  const { body } = await server.send('POST', '/access_token', { body: { refresh_token: user.refresh_token } })
  server.pass('2m')
  return { user, resetToken, copiedToken: user.refresh_token, token: body.access_token }
}

/**
 * Starts the requests one after the other while the table takes no new rows, then releases both with the locks they
 * hold.
 */
function interleave(url: string, table: string, requests: readonly (() => Promise<Response>)[]): Promise<Response[]> {
  return withClient(url, (holder) =>
    withClient(url, async (watcher) => {
      await holder.query(`BEGIN; LOCK TABLE ${table} IN SHARE MODE`)
      const answers: Promise<Response>[] = []
      let settled = 0
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      for (const send of requests) {
        answers.push(send().finally(() => settled++))
        while (settled + ((await watcher.query(waiting)).rowCount ?? 0) < answers.length);
      }
      await holder.query('COMMIT')
      return Promise.all(answers)
    }),
  )
}

/** The number of deadlocks in the database, counted once all connections that could report one are closed. */
async function countDeadlocks(url: string): Promise<number> {
  await breakConnections(url)
  return withClient(url, async (client) => {
    const others = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
    while ((await client.query(others)).rowCount);
    const { rows } = await client.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()')
    return Number(rows[0]?.deadlocks)
  })
}

describe('two requests that change the same things of a user', () => {
  it.each(Object.keys(userChanges))('do not deadlock: %s, and then any other', (first) =>
    withServer({}, async (server) => {
      const url = server.settings.DATABASE_URL ?? ''
      for (const second of Object.keys(userChanges)) {
        for (const table of ['events', 'outbox_mails']) {
          const fixture = await givenFixture(server)
          const requests = [first, second].map((name) => () => (userChanges[name] ?? fail)(server, fixture))
          const answers = await interleave(url, table, requests)
          const outcome = { second, table, failed: answers.filter(({ status }) => status >= 500).length }
          expect(outcome).toEqual({ second, table, failed: 0 })
        }
      }
      expect(await countDeadlocks(url)).toBe(0)
    }),
  )
})

function fail(): never {
  throw new Error('no such change')
}
