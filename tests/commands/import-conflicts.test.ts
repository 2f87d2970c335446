import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runSql } from '../support/catalog.ts'
import type { DjangoDatabase } from '../support/django-database.ts'
import { djangoUser, givenDjangoDatabase, importDjango, insertRows, loginStatus } from '../support/django-database.ts'
import { givenUser, mailsTo } from '../support/fixtures.ts'
import { endProcesses, givenFolder } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())
afterEach(endProcesses)

const rowsHere = (sql: string) => runSql<Record<string, unknown>>(server.settings.DATABASE_URL ?? '', sql)
const isHere = async ({ id }: Readonly<Record<string, unknown>>) =>
  (await rowsHere(`SELECT id FROM users WHERE id = ${id}`)).length === 1

async function givenUsersAtDjango(...rows: readonly Readonly<Record<string, unknown>>[]): Promise<DjangoDatabase> {
  const django = await givenDjangoDatabase()
  await insertRows(django, rows)
  return django
}

/** What a conflict becomes, by the reason of the report. */
async function outcomes(django: DjangoDatabase, ...args: readonly string[]) {
  const { code, stdout, stderr } = await importDjango(server, django.url, '--json', ...args)
  if (stdout === '') throw new Error(stderr)
  const { deviations, ...counts } = JSON.parse(stdout)
  return {
    code,
    counts,
    deviations: deviations.map((each: Record<string, unknown>) => [
      each.django_id,
      each.problem,
      each.renamed_to ?? each.left_out,
    ]),
  }
}

describe('import django, where users cannot be taken as they are', () => {
  it('takes no user at all, and says why', async () => {
    const native = await givenUser(server)
    const [fine, taken] = [djangoUser(), djangoUser({ email: native.email.toUpperCase() })]
    const django = await givenUsersAtDjango(fine, taken)
    const { code, stdout, stderr } = await importDjango(server, django.url)
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^Nothing is taken over, .* --on-conflict skip or rename.*\n$/),
    ])
    expect(stdout).toMatch(new RegExp(`^${taken.id} .* left out +the address is that of another user here$`, 'm'))
    expect(await isHere(fine)).toBe(false)
  })

  it('leaves them out with --on-conflict skip, and of two takes the one who logged in last', async () => {
    const native = await givenUser(server)
    const [early, late] = [
      djangoUser({ email: 'Twin@example.com', last_login: '2024-01-01' }),
      djangoUser({ email: 'twin@EXAMPLE.com', last_login: '2025-01-01' }),
    ]
    const sameName = djangoUser({ username: String(early.username).toUpperCase(), last_login: '2023-01-01' })
    const broken = [
      djangoUser({ id: native.id }),
      djangoUser({ email: 'not an address' }),
      djangoUser({ email: '' }),
      djangoUser({ username: 'ada of the spaces' }),
      djangoUser({ username: 'other@example.com' }),
      djangoUser({ username: native.username.toUpperCase() }),
    ]
    const [other] = broken
    const django = await givenUsersAtDjango(early, late, sameName, ...broken)
    const result = await outcomes(django, '--on-conflict', 'skip')
    expect(result.code).toBe(3)
    expect(result.counts).toMatchObject({ taken: 2, left_out: 7 })
    expect(result.deviations).toEqual([
      [String(early.id), 'email_repeated', true],
      [String(other?.id), 'id_in_use', true],
      [String(broken[1]?.id), 'email_invalid', true],
      [String(broken[2]?.id), 'email_missing', true],
      [String(broken[3]?.id), 'username_invalid', true],
      [String(broken[4]?.id), 'username_is_address', true],
      [String(broken[5]?.id), 'username_in_use', true],
    ])
    expect([await isHere(early), await isHere(late), await isHere(sameName)]).toEqual([false, true, true])
  })

  it('gives usernames another ending with --on-conflict rename, and addresses never', async () => {
    const native = await givenUser(server)
    const rows = [
      djangoUser({ username: native.username.toUpperCase() }),
      djangoUser({ username: 'a b\u00a0c' }),
      djangoUser({ username: 'foreign@example.com' }),
      djangoUser({ email: native.email }),
    ]
    const [inUse, spaced, foreign, sameAddress] = rows
    const django = await givenUsersAtDjango(...rows)
    const { code, deviations } = await outcomes(django, '--on-conflict', 'rename')
    expect([code, deviations]).toEqual([
      3,
      [
        [String(inUse?.id), 'username_in_use', `${native.username.toUpperCase()}-${inUse?.id}`],
        [String(spaced?.id), 'username_invalid', 'a_b_c'],
        [String(foreign?.id), 'username_is_address', 'foreign_example.com'],
        [String(sameAddress?.id), 'email_in_use', true],
      ],
    ])
    expect(await loginStatus(server, 'a_b_c')).toBe(200)
    expect(await loginStatus(server, inUse?.email)).toBe(200)
  })

  it('leaves a user out with --on-conflict rename whose id or address another user has as well', async () => {
    const native = await givenUser(server)
    const rows = [
      djangoUser({ username: 'i d', id: native.id }),
      djangoUser({ username: 'addr ess', email: native.email }),
      djangoUser({ username: 'fi ne' }),
    ]
    const [sameId, sameAddress, fine] = rows
    const django = await givenUsersAtDjango(...rows)
    expect((await outcomes(django, '--on-conflict', 'rename')).deviations.sort()).toEqual(
      [
        [String(sameId?.id), 'id_in_use', true],
        [String(sameAddress?.id), 'email_in_use', true],
        [String(fine?.id), 'username_invalid', 'fi_ne'],
      ].sort(),
    )
  })

  it('gives a user without an address a placeholder that no mail is ever sent to', async () => {
    const user = djangoUser({ email: '' })
    const django = await givenUsersAtDjango(user)
    expect(await outcomes(django, '--missing-email', 'placeholder')).toMatchObject({ code: 0, counts: { taken: 1 } })
    const email = `user-${user.id}@missing.invalid`
    const login = await server.send('POST', '/login_credentials', {
      body: { username: user.username, password: 'correct hörse battery' },
    })
    expect(login.body.user).toMatchObject({ email, email_verified: false })
    expect((await server.send('POST', '/forgot_password', { body: { email } })).status).toBe(200)
    expect(await mailsTo(server, email)).toEqual([])
    expect(await rowsHere(`SELECT status, encrypted_values FROM outbox_mails WHERE recipient = '${email}'`)).toEqual([
      { status: 'dropped', encrypted_values: null },
    ])
  })

  it('leaves users without an address out with --missing-email skip, which is no conflict', async () => {
    const [without, other] = [djangoUser({ email: '' }), djangoUser()]
    const django = await givenUsersAtDjango(without, other)
    expect(await outcomes(django, '--missing-email', 'skip')).toMatchObject({
      code: 3,
      counts: { taken: 1, left_out: 1 },
    })
    expect([await isHere(without), await isHere(other)]).toEqual([false, true])
  })

  it('changes nothing with --dry-run, and tells what would happen', async () => {
    const [fine, spaced] = [djangoUser(), djangoUser({ username: 'with a space' })]
    const django = await givenUsersAtDjango(fine, spaced)
    expect((await outcomes(django, '--dry-run')).code).toBe(2)
    expect(await outcomes(django, '--dry-run', '--on-conflict', 'skip')).toMatchObject({
      code: 3,
      counts: { taken: 1, left_out: 1, dry_run: true },
    })
    const { code, stdout } = await importDjango(server, django.url, '--dry-run', '--on-conflict', 'rename')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^would be taken over +2$/m)])
    expect(await isHere(fine)).toBe(false)
  })

  it('writes everything that is not as it was into a report that no one else can read', async () => {
    const report = join(await givenFolder(), 'report.csv')
    const [odd, formula] = [
      djangoUser({ first_name: 'Ada\u202e', last_name: 'x'.repeat(150) }),
      djangoUser({ username: '=1+1 "x", y' }),
    ]
    const django = await givenUsersAtDjango(odd, formula)
    await importDjango(server, django.url, '--on-conflict', 'skip', '--report', report)
    expect((await readFile(report, 'utf8')).split('\r\n')).toEqual([
      'django_id,username,email,outcome,reason',
      `${odd.id},${odd.username},${odd.email},taken,altered: first_name`,
      `${formula.id},"'=1+1 ""x"", y",${formula.email},left out,"the username has spaces or other characters that usernames here have not, or is too long"`,
      '',
    ])
  })

  it('takes no user where the report cannot be written', async () => {
    const user = djangoUser()
    const django = await givenUsersAtDjango(user)
    const existing = join(await givenFolder(), 'dump.json')
    await writeFile(existing, 'the source')
    for (const report of ['/no/such/folder/report.csv', existing]) {
      const { code, stderr } = await importDjango(server, django.url, '--report', report)
      expect([code, stderr]).toEqual([2, expect.stringMatching(/^The report cannot be written: .*--report\n$/)])
    }
    expect(await readFile(existing, 'utf8')).toBe('the source')
    expect(await isHere(user)).toBe(false)
  })
})
