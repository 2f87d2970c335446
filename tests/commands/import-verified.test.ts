import { refusalOfCommand } from '../support/command.ts'
import type { DjangoDatabase } from '../support/django-database.ts'
import { djangoUser, givenDjangoDatabase, importDjango, insertRows } from '../support/django-database.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** Users whose address is verified for another reason each, in a database of their own. */
async function givenUsers() {
  const django = await givenDjangoDatabase()
  await django.run('ALTER TABLE auth_user ADD email_verified boolean')
  const users = {
    active: djangoUser(),
    inactive: djangoUser({ is_active: false }),
    byColumn: djangoUser({ is_active: false, email_verified: true }),
    byAllauth: djangoUser({ is_active: false }),
  }
  await insertRows(django, Object.values(users))
  return { django, users }
}

async function addAllauth(
  django: DjangoDatabase,
  { active, byAllauth }: Awaited<ReturnType<typeof givenUsers>>['users'],
) {
  await django.run(
    'CREATE TABLE account_emailaddress (id serial PRIMARY KEY, email text, verified boolean, "primary" boolean, user_id int)',
  )
  await insertRows(
    django,
    [
      { email: String(byAllauth.email).toUpperCase(), verified: true, primary: true, user_id: byAllauth.id },
      { email: active.email, verified: false, primary: true, user_id: active.id },
      { email: 'another@example.com', verified: true, primary: false, user_id: active.id },
    ],
    'account_emailaddress',
  )
}

async function verifiedAfter(given: Awaited<ReturnType<typeof givenUsers>>, ...args: readonly string[]) {
  const { code } = await importDjango(server, given.django.url, ...args)
  expect(code).toBe(0)
  const found = await server.database.db.user.findMany({
    where: { id: { in: Object.values(given.users).map(({ id }) => Number(id)) }, emailVerifiedAt: { not: null } },
    select: { id: true },
  })
  const ids = found.map(({ id }) => id)
  return Object.entries(given.users).flatMap(([name, { id }]) => (ids.includes(Number(id)) ? [name] : []))
}

describe('import django counts as verified', () => {
  it.each([
    ['the addresses of active users', [], ['active']],
    ['all addresses with --verified all', ['--verified', 'all'], ['active', 'inactive', 'byColumn', 'byAllauth']],
    ['no address with --verified none', ['--verified', 'none'], []],
    ['those that a column says', ['--verified', 'email_verified'], ['byColumn']],
  ])('%s', async (_, args, verified) => {
    expect(await verifiedAfter(await givenUsers(), ...args)).toEqual(verified)
  })

  it('what django-allauth has verified, where it is there', async () => {
    const given = await givenUsers()
    await addAllauth(given.django, given.users)
    expect(await verifiedAfter(given)).toEqual(['byAllauth'])
  })

  it('active users all the same with --verified active', async () => {
    const given = await givenUsers()
    await addAllauth(given.django, given.users)
    expect(await verifiedAfter(given, '--verified', 'active')).toEqual(['active'])
  })

  it.each([
    ['verified_at', 'has no column verified_at: --verified needs active, allauth, all, none or a column'],
    ['allauth', 'There are no addresses of django-allauth: choose another rule with --verified'],
  ])('nothing with --verified %s, where it is not there', async (rule, sentence) => {
    const { django } = await givenUsers()
    expect(await refusalOfCommand(server, ['import', 'django', '--from', django.url, '--verified', rule])).toMatch(
      sentence,
    )
  })
})
