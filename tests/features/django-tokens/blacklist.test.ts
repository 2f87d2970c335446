import { times } from '../../support/answers.ts'
import { clients } from '../../support/clients.ts'
import { startDatabaseProxy } from '../../support/database-proxy.ts'
import type { DjangoDatabase } from '../../support/django-database.ts'
import { blacklistTables, givenDjangoDatabase } from '../../support/django-database.ts'
import { djangoKey, djangoToken, givenImportedUser } from '../../support/django-tokens.ts'
import { countSessions } from '../../support/fixtures.ts'
import { call, claimsOf } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let django: DjangoDatabase
let server: TestServer
beforeAll(async () => {
  django = await givenDjangoDatabase(blacklistTables)
  server = await startServer({
    ...{
      DJANGO_SECRET_KEY: djangoKey,
      DJANGO_DATABASE_URL: django.url,
      DATABASE_POOL: '40',
      SESSIONS_PER_USER: '1000',
    },
  })
})
afterAll(() => server.close())

const ask = (request: Parameters<typeof call>[1], on = server) => call(on, request)
const refresh = (refresh_token: string, on = server) => on.send('POST', '/access_token', { body: { refresh_token } })
const logOut = (refresh_token: string, on = server) => on.send('POST', '/logout', { body: { refresh_token } })
const jtiOf = (token: string) => String(claimsOf(token).jti)

/** Lists the token, as Django does at a login, and puts it on the blacklist. */
async function spendAtDjango(token: string): Promise<void> {
  await django.run(
    `WITH token AS (INSERT INTO token_blacklist_outstandingtoken (token, jti, expires_at) VALUES ('${token}', '${jtiOf(token)}', now())
       RETURNING id)
     INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) SELECT id, now() FROM token`,
  )
}

async function isSpentAtDjango(token: string): Promise<boolean> {
  const rows = await django.run(
    `SELECT 1 FROM token_blacklist_blacklistedtoken AS spent JOIN token_blacklist_outstandingtoken AS token ON token.id = token_id
     WHERE jti = '${jtiOf(token)}'`,
  )
  return rows.length > 0
}

describe.each(clients)('the blacklist of Django at $name', (client) => {
  it('is asked before a token is swapped', async () => {
    const { djangoId } = await givenImportedUser(server)
    const token = djangoToken(server, djangoId)
    await spendAtDjango(token)
    expect(client.refusalOf(await ask(client.refresh(token)))).toBe(client.says.endedRefresh)
  })

  it('gets each token that is swapped here, or that a logout spends', async () => {
    const { djangoId } = await givenImportedUser(server)
    const [swapped, spent] = [djangoToken(server, djangoId), djangoToken(server, djangoId)]
    expect((await ask(client.refresh(swapped))).status).toBe(200)
    expect((await ask(client.refresh(swapped))).status).toBe(200)
    expect((await ask(client.logOut(spent))).status).toBe(client.loggedOut)
    expect([await isSpentAtDjango(swapped), await isSpentAtDjango(spent)]).toEqual([true, true])
  })

  it('that cannot be asked is answered 503, and the token is good again later', async () => {
    const proxy = await startDatabaseProxy(django.url)
    try {
      await withServer({ ...server.settings, DJANGO_DATABASE_URL: proxy.url }, async (other) => {
        const user = await givenImportedUser(server)
        const before = await countSessions(server, user)
        const [token, toLogOut] = [djangoToken(server, user.djangoId), djangoToken(server, user.djangoId)]
        await proxy.cut()
        const answers = [await ask(client.refresh(token), other), await ask(client.logOut(toLogOut), other)]
        for (const { status, headers } of answers) expect([status, headers['retry-after']]).toEqual([503, '5'])
        expect(await countSessions(server, user)).toBe(before)
        await proxy.mend()
        expect((await ask(client.refresh(token), other)).status).toBe(200)
        expect((await ask(client.logOut(toLogOut), other)).status).toBe(client.loggedOut)
        const told = other.logged.filter((line) => line.includes('DJANGO_DATABASE_URL'))
        expect(told).toEqual([expect.stringContaining('cannot be asked'), expect.stringContaining('answers again')])
      })
    } finally {
      await proxy.cut()
    }
  })
})

describe('the blacklist of Django', () => {
  it('is told once of a token that 20 requests swap at once, all of which get the same pair', async () => {
    const user = await givenImportedUser(server)
    const before = await countSessions(server, user)
    const token = djangoToken(server, user.djangoId)
    const answers = await times(20, () => refresh(token))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await countSessions(server, user)).toBe(before + 1)
  })

  it('lets either Django or this server spend a token, and not both', async () => {
    const user = await givenImportedUser(server)
    const before = await countSessions(server, user)
    const spent = await times(10, async () => {
      const token = djangoToken(server, user.djangoId)
      const [answer, isFirst] = await Promise.all([
        refresh(token),
        spendAtDjango(token).then(
          () => true,
          () => false,
        ),
      ])
      expect(isFirst).toBe(answer.status === 401)
      return answer.status
    })
    expect(await countSessions(server, user)).toBe(before + spent.filter((status) => status === 200).length)
  })

  it('does not have a token whose session could not be opened', async () => {
    const user = await givenImportedUser(server)
    const token = djangoToken(server, user.djangoId)
    const { db } = server.database
    await db.$executeRawUnsafe(`ALTER TABLE django_tokens ADD CONSTRAINT never CHECK (jti <> '${jtiOf(token)}')`)
    expect((await refresh(token)).status).toBe(500)
    await db.$executeRawUnsafe('ALTER TABLE django_tokens DROP CONSTRAINT never')
    expect(await isSpentAtDjango(token)).toBe(false)
    expect((await refresh(token)).status).toBe(200)
  })

  it('is not asked about tokens of this server, nor about those that are spent here', async () => {
    const proxy = await startDatabaseProxy(django.url)
    try {
      await withServer({ ...server.settings, DJANGO_DATABASE_URL: proxy.url }, async (other) => {
        const user = await givenImportedUser(server)
        const token = djangoToken(server, user.djangoId)
        const { body } = await refresh(token, other)
        const asked = proxy.executed()
        await refresh(token, other)
        await refresh(body.refresh_token, other)
        await logOut(token, other)
        expect([asked > 0, proxy.executed()]).toEqual([true, asked])
      })
    } finally {
      await proxy.cut()
    }
  })

  it('that does not answer keeps a request for a few seconds at most', async () => {
    const proxy = await startDatabaseProxy(django.url)
    try {
      await withServer({ ...server.settings, DJANGO_DATABASE_URL: proxy.url }, async (other) => {
        const { djangoId } = await givenImportedUser(server)
        proxy.blackhole()
        const { status, body } = await refresh(djangoToken(server, djangoId), other)
        expect([status, body.code]).toEqual([503, 'database_unavailable'])
      })
    } finally {
      await proxy.cut()
    }
  })

  it('that is not there is answered 503, and the log says what is missing', async () => {
    const { url } = await givenDjangoDatabase()
    await withServer({ ...server.settings, DJANGO_DATABASE_URL: url }, async (other) => {
      const { djangoId } = await givenImportedUser(server)
      expect((await refresh(djangoToken(server, djangoId), other)).status).toBe(503)
      expect(other.logged.join()).toContain('relation \\"token_blacklist_outstandingtoken\\" does not exist')
    })
  })

  it('may lie in a schema that the address names', async () => {
    const { url, run } = await givenDjangoDatabase('CREATE SCHEMA "of Django"')
    await run(`SET search_path = "of Django"; ${blacklistTables}`)
    await withServer({ ...server.settings, DJANGO_DATABASE_URL: `${url}?schema=of%20Django` }, async (other) => {
      const { djangoId } = await givenImportedUser(server)
      expect((await refresh(djangoToken(server, djangoId), other)).status).toBe(200)
      expect(await run('SELECT 1 FROM "of Django".token_blacklist_blacklistedtoken')).toHaveLength(1)
    })
  })

  it('is asked when a token is verified', async () => {
    const { djangoId } = await givenImportedUser(server)
    const token = djangoToken(server, djangoId)
    const introspect = async () => (await server.send('POST', '/verify_token', { body: { token } })).body.active
    expect(await introspect()).toBe(true)
    await spendAtDjango(token)
    expect(await introspect()).toBe(false)
  })
})
