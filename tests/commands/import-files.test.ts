import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { refusalOfCommand } from '../support/command.ts'
import { djangoUser, importDjango, loginStatus } from '../support/django-database.ts'
import { djangoHashes, djangoPassword } from '../support/django-hashes.ts'
import { givenUser } from '../support/fixtures.ts'
import { endProcesses, givenFolder } from '../support/process.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())
afterEach(endProcesses)

async function givenFile(name: string, content: unknown): Promise<string> {
  const file = join(await givenFolder(), name)
  const isText = typeof content === 'string' || Buffer.isBuffer(content)
  await writeFile(file, isText ? content : JSON.stringify(content, undefined, 1))
  return file
}

function dumped({ id: pk, ...fields }: Readonly<Record<string, unknown>>, model = 'auth.user') {
  return { model, pk, fields: { last_login: null, is_active: true, ...fields } }
}

const logIn = async (username: unknown) =>
  (await server.send('POST', '/login_credentials', { body: { username, password: djangoPassword } })).body.user

describe('import django --from a file', () => {
  it('takes the users of manage.py dumpdata, and the addresses that allauth has verified', async () => {
    const [ada, grace] = [djangoUser({ date_joined: '2020-02-03T04:05:06.789Z' }), djangoUser({ is_active: true })]
    const address = { user: grace.id, email: grace.email, verified: true, primary: true }
    const file = await givenFile('dump.json', [
      { model: 'account.emailaddress', pk: 1, fields: address },
      { model: 'contenttypes.contenttype', pk: 1, fields: { app_label: 'auth', model: 'user' } },
      dumped(ada),
      dumped(grace),
    ])
    expect(await importDjango(server, file)).toMatchObject({ code: 0, stderr: '' })
    expect(await logIn(ada.username)).toMatchObject({
      id: ada.id,
      email_verified: false,
      date_joined: '2020-02-03T04:05:06.789Z',
    })
    expect(await logIn(grace.username)).toMatchObject({ id: grace.id, email_verified: true })
  })

  it('takes a model of its own without usernames, with UUIDs as keys', async () => {
    const {
      id: _,
      username: __,
      ...columns
    } = djangoUser({
      full_name: 'Ada Lovelace',
      phone_number: '+44 20 7946 0018',
      timezone: 'Europe/London',
      is_practitioner: true,
    })
    const uuid = '0b9b1f0e-7d5e-4c53-9f39-3f1f0a3f6f11'
    const file = await givenFile('dump.jsonl', `${JSON.stringify(dumped({ id: uuid, ...columns }, 'accounts.user'))}\n`)
    expect(await importDjango(server, file, '--table', 'accounts.user')).toMatchObject({ code: 0, stderr: '' })
    const user = await logIn(columns.email)
    expect(user).toMatchObject({
      uuid,
      display_name: 'Ada Lovelace',
      phone_number: '+442079460018',
      timezone: 'Europe/London',
      is_practitioner: true,
    })
    expect(await givenUser(server)).toMatchObject({ id: user.id + 1 })
  })

  it('takes CSV, with the columns that a mapping names', async () => {
    const user = djangoUser()
    const file = await givenFile(
      'users.csv',
      `key,login,mail,hash,active\r\n${user.id},${user.username},"${user.email}",${djangoHashes.bcrypt},t\r\n`,
    )
    const mapping = await givenFile('mapping.json', {
      id: 'key',
      username: 'login',
      email: 'mail',
      is_active: 'active',
    })
    const args = ['--mapping', mapping, '--map', 'password=hash']
    expect(await importDjango(server, file, ...args)).toMatchObject({ code: 0, stderr: '' })
    expect(await logIn(user.username)).toMatchObject({ id: user.id, email: user.email })
  })

  it('takes CSV of a spreadsheet, and names the passwords that it drops and the texts that it cuts', async () => {
    const [kept, dropped, cut] = [djangoUser(), djangoUser(), djangoUser()]
    const file = await givenFile(
      'users.csv',
      `\ufeff"id","username","email","password"
${kept.id},${kept.username},${kept.email},${djangoHashes.bcrypt}
${dropped.id},${dropped.username},${dropped.email},${'x'.repeat(1025)}
${cut.id},${'u'.repeat(1023)}😀,${cut.email},${djangoHashes.bcrypt}
`,
    )
    const { code, stdout } = await importDjango(server, file, '--on-conflict', 'skip', '--json')
    const deviations = [
      { django_id: String(dropped.id), altered_fields: ['password'], left_out: false },
      { django_id: String(cut.id), problem: 'username_invalid', left_out: true },
    ]
    expect([code, JSON.parse(stdout || '{}')]).toMatchObject([3, { taken: 2, deviations }])
    expect(await loginStatus(server, kept.username)).toBe(200)
  })

  it('takes a user once of whom a file has two rows', async () => {
    const user = djangoUser()
    const row = `${user.id},${user.username},${user.email},${djangoHashes.bcrypt}\n`
    const file = await givenFile('users.csv', `id,username,email,password\n${row}${row}`)
    expect((await importDjango(server, file, '--on-conflict', 'skip')).code).toBe(3)
    expect(await loginStatus(server, user.username)).toBe(200)
  })

  it.each<[title: string, name: string, content: unknown, sentence: RegExp]>([
    [
      'a file that is no dump',
      'dump.json',
      'SQLite format 3',
      /is no list of JSON objects: make it with manage\.py dumpdata/,
    ],
    [
      'objects of another kind',
      'dump.json',
      [{ id: 1 }],
      /an object without model and fields: make it with manage\.py dumpdata/,
    ],
    [
      'a dump without users',
      'dump.json',
      [{ model: 'a.b', pk: 1, fields: {} }],
      /has no users: name the model of users with --table/,
    ],
    ['a dump that is cut', 'dump.json', JSON.stringify([dumped(djangoUser())]).slice(0, -1), /ends in the middle/],
    [
      'two models of users',
      'dump.json',
      [dumped(djangoUser()), dumped(djangoUser(), 'a.user')],
      /Several models .*auth\.user, a\.user.*--table/,
    ],
    [
      'users without keys',
      'dump.json',
      [{ ...dumped(djangoUser()), pk: undefined }],
      /dump them without --natural-primary/,
    ],
    [
      'addresses without the keys of users',
      'dump.json',
      [
        dumped(djangoUser()),
        { model: 'account.emailaddress', pk: 1, fields: { user: ['ada'], email: 'a@example.com', verified: true } },
      ],
      /dump them without --natural-foreign/,
    ],
    [
      'CSV without a needed column',
      'users.csv',
      'id,username,email\n1,a,a@example.com\n',
      /has no column for password: name one with --map password=COLUMN/,
    ],
    [
      'CSV with a short line',
      'users.csv',
      'id,email,password\n1,a@example.com\n',
      /has 2 fields in record 1, and 3 columns/,
    ],
    [
      'a flag that is neither true nor false',
      'users.csv',
      `id,email,password,is_active\n1,a@example.com,${djangoHashes.bcrypt},enabled\n`,
      /column is_active holds something else than true and false: name another one with --map/,
    ],
    [
      'a file in Latin-1',
      'users.csv',
      Buffer.from(`id,email,password,first_name\n1,a@example.com,${djangoHashes.bcrypt},Andr\xe9\n`, 'latin1'),
      /is not in UTF-8/,
    ],
    [
      'a file of another kind',
      'db.sqlite3',
      'SQLite format 3',
      /--from needs .* which is the way from MySQL and SQLite/,
    ],
  ])('refuses %s in one sentence', async (_, name, content, sentence) => {
    const file = await givenFile(name, content)
    expect(await refusalOfCommand(server, ['import', 'django', '--from', file])).toMatch(sentence)
  })

  it('refuses a file that is not there, and a mapping that is none', async () => {
    expect(await refusalOfCommand(server, ['import', 'django', '--from', '/no/dump.json'])).toMatch(
      /file of --from cannot be read/,
    )
    const args = [
      'import',
      'django',
      '--from',
      await givenFile('users.csv', 'id\n'),
      '--mapping',
      await givenFile('m.json', 'x'),
    ]
    expect(await refusalOfCommand(server, args)).toMatch(/file of --mapping is refused: it must be JSON such as/)
  })
})
