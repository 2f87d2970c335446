import { refusalOf, times } from '../../support/answers.ts'
import { freshDatabase } from '../../support/database.ts'
import type { DatabaseProxy } from '../../support/database-proxy.ts'
import { startDatabaseProxy } from '../../support/database-proxy.ts'
import { givenUser } from '../../support/fixtures.ts'
import { endProcesses, startProcess, until } from '../../support/process.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

afterAll(endProcesses)

async function withProxy(work: (proxy: DatabaseProxy) => Promise<void>): Promise<void> {
  const proxy = await startDatabaseProxy(await freshDatabase())
  try {
    await work(proxy)
  } finally {
    await proxy.cut()
  }
}

function withImpatientServer(work: (server: TestServer, proxy: DatabaseProxy) => Promise<void>): Promise<void> {
  return withProxy(async (proxy) => {
    const databaseLimits = { waitLimitMs: 4000, queryLimitMs: 4000 }
    const server = await startServer({ DATABASE_URL: proxy.url }, { databaseLimits })
    try {
      await work(server, proxy)
    } finally {
      await server.close()
    }
  })
}

describe('a network between server and database that drops packets silently', () => {
  it('makes all requests 503, however many there are, and none once packets arrive again', () =>
    withImpatientServer(async (server, proxy) => {
      const user = await givenUser(server)
      const { username, password, access_token: token } = user
      const login = () => server.send('POST', '/login_credentials', { body: { username, password } })
      const body = { current_password: password, new_password: 'another horse battery' }
      await times(5, login)
      proxy.blackhole()
      const answers = await times(30, (index) =>
        index % 3 === 0
          ? login()
          : index % 3 === 1
            ? server.send('GET', '/profile', { token })
            : server.send('POST', '/change_password', { token, body }),
      )
      expect(new Set(answers.map(refusalOf))).toEqual(new Set(['503 database_unavailable']))
      expect(answers.every(({ headers }) => Number(headers['retry-after']) >= 1)).toBe(true)
      expect((await server.send('GET', '//readyz')).body.problem).toBe('the database cannot be reached')

      await proxy.mend()
      await until(async () => (await server.send('GET', '//readyz')).status === 200)
      for (let count = 0; count < 12; count += 1) expect((await login()).status).toBe(200)
    }))

  it('does not keep the mail worker from looking again', () =>
    withImpatientServer(async (server, proxy) => {
      const { mailWorker } = server.services
      await givenUser(server)
      proxy.blackhole()
      // Ends although the claim is never answered.
      await mailWorker.drain()
      await proxy.mend()
      expect(await server.mails()).toHaveLength(1)
    }))

  it('does not keep a process from ending at SIGTERM', () =>
    withProxy(async (proxy) => {
      const server = startProcess({ DATABASE_URL: proxy.url, SECRET_KEY: 'k'.repeat(40) })
      const url = await server.ready
      await fetch(`${url}/readyz`)
      proxy.blackhole()
      const waiting = fetch(`${url}/readyz`).catch(() => undefined)
      server.kill('SIGTERM')
      expect(await server.exit).toBe(0)
      await waiting
    }))
})
