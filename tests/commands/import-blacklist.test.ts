import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DjangoDatabase } from '../support/django-database.ts'
import {
  blacklistTables,
  djangoUser,
  givenDjangoDatabase,
  importDjango,
  insertRows,
} from '../support/django-database.ts'
import { djangoKey, djangoToken } from '../support/django-tokens.ts'
import { claimsOf } from '../support/foreign.ts'
import { endProcesses, givenFolder } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DJANGO_SECRET_KEY: djangoKey })
})
afterAll(() => server.close())
afterEach(endProcesses)

type Row = Readonly<Record<string, unknown>>

interface Fixture {
  readonly user: Row
  readonly tokens: { readonly live: string; readonly spent: string; readonly spentLater: string }
  /** As Django lists tokens at a login. */
  readonly outstanding: readonly Row[]
}

function givenTokens(): Fixture {
  const user = djangoUser()
  const [live, spent, spentLater] = [1, 2, 3].map(() => djangoToken(server, Number(user.id))) as [
    string,
    string,
    string,
  ]
  const outstanding = [live, spent, spentLater].map((token, index) => ({
    ...{ id: Number(user.id) * 10 + index, token, jti: claimsOf(token).jti },
    ...{ created_at: '2026-01-02T03:04:05.678Z', expires_at: new Date(claimsOf(token).exp * 1000).toISOString() },
  }))
  return { user, tokens: { live, spent, spentLater }, outstanding }
}

const blacklisted = (token: Row | undefined) => ({
  id: token?.id,
  blacklisted_at: '2026-01-02T03:04:05Z',
  token_id: token?.id,
})

async function refresh(refresh_token: string): Promise<unknown> {
  const { status, body } = await server.send('POST', '/access_token', { body: { refresh_token } })
  return status === 200 ? 200 : body.code
}

async function givenDatabase({ user, outstanding }: Fixture): Promise<DjangoDatabase> {
  const django = await givenDjangoDatabase()
  await django.run(blacklistTables)
  await insertRows(django, [user])
  await insertRows(django, outstanding, 'token_blacklist_outstandingtoken')
  await insertRows(django, [blacklisted(outstanding[1])], 'token_blacklist_blacklistedtoken')
  return django
}

describe('import django', () => {
  it('takes the blacklist of a database, what was added later too, and accepts all other tokens', async () => {
    const fixture = givenTokens()
    const { live, spent, spentLater } = fixture.tokens
    const django = await givenDatabase(fixture)
    expect(await importDjango(server, django.url)).toMatchObject({ code: 0, stderr: '' })
    expect([await refresh(spent), await refresh(live)]).toEqual(['session_revoked', 200])
    await insertRows(
      django,
      [0, 2].map((index) => blacklisted(fixture.outstanding[index])),
      'token_blacklist_blacklistedtoken',
    )
    expect(await importDjango(server, django.url)).toMatchObject({ code: 0, stderr: '' })
    // The first one was swapped here before: its session goes on.
    expect([await refresh(spentLater), await refresh(live)]).toEqual(['session_revoked', 200])
  })

  it('takes the blacklist of a dump, in whatever order', async () => {
    const { user, tokens, outstanding } = givenTokens()
    const { id, ...columns } = user
    const { token_id: token, ...entry } = blacklisted(outstanding[1])
    const file = join(await givenFolder(), 'dump.json')
    const objects = [
      { model: 'token_blacklist.blacklistedtoken', pk: 1, fields: { ...entry, token } },
      ...outstanding.map(({ id: pk, ...fields }) => ({
        model: 'token_blacklist.outstandingtoken',
        pk,
        fields: { ...fields, user: id },
      })),
      { model: 'auth.user', pk: id, fields: { last_login: null, is_active: true, ...columns } },
    ]
    await writeFile(file, JSON.stringify(objects))
    expect(await importDjango(server, file)).toMatchObject({ code: 0, stderr: '' })
    expect([await refresh(tokens.spent), await refresh(tokens.live)]).toEqual(['session_revoked', 200])
  })

  it('leaves the blacklist alone in a dry run, and tokens that have expired always', async () => {
    const fixture = givenTokens()
    const [live, spent, last] = fixture.outstanding
    const django = await givenDatabase({
      ...fixture,
      outstanding: [live, spent, { ...last, expires_at: '2026-01-03T00:00:00Z' }] as Row[],
    })
    await insertRows(django, [blacklisted(last)], 'token_blacklist_blacklistedtoken')
    const listed = () =>
      server.database.db.djangoToken.findMany({ where: { jti: { in: [String(spent?.jti), String(last?.jti)] } } })
    await importDjango(server, django.url, '--dry-run')
    expect(await listed()).toEqual([])
    expect(await importDjango(server, django.url)).toMatchObject({ code: 0, stderr: '' })
    expect(await listed()).toMatchObject([{ jti: spent?.jti, sessionId: null }])
  })
})
