import { sampleBody, targets } from '../../support/endpoints.ts'
import { django, foreignRefusalOf } from '../../support/error-formats.ts'
import { exchange } from '../../support/exchange.ts'
import { givenVerifiedUser, randomUser } from '../../support/fixtures.ts'
import type { Part, urlEncoded } from '../../support/forms.ts'
import { formKinds, multipart } from '../../support/forms.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

const app = 'https://app.example.com'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ CORS_ORIGINS: app })
})
afterAll(() => server.close())

interface Request {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly to?: TestServer
}

const sendForm = (form: ReturnType<typeof urlEncoded>, { method = 'POST', path, headers, to = server }: Request) =>
  exchange(to.url, path, { method, body: form.body, headers: { ...form.headers, ...headers } })

/** The login of each contract: its path, and the fields of a user. */
const logins = [
  [
    '/api/auth/login/',
    ({ username, password }) => [
      ['username', username],
      ['password', password],
    ],
  ],
  [
    '/api/auth/login/',
    ({ email, password }) => [
      ['email', email],
      ['password', password],
    ],
  ],
  [
    '/api/login/',
    ({ username, password }) => [
      ['username', username],
      ['password', password],
    ],
  ],
  [
    '/api/v1/drf/auth/login/',
    ({ email, password }) => [
      ['email', email],
      ['password', password],
    ],
  ],
] as const satisfies readonly (readonly [string, (credentials: ReturnType<typeof randomUser>) => Part[]])[]

describe.each(formKinds)('a body of %s', (kind, encode) => {
  it.each(logins)('logs in at %s', async (path, fieldsOf) => {
    const credentials = await givenVerifiedUser(server, { password: 'Grüße & 100 % + = ✓ ' })
    const { status, body } = await sendForm(encode(fieldsOf(credentials)), { path })
    expect([status, Object.keys(body)]).toEqual([200, expect.arrayContaining([expect.stringMatching(/^access/)])])
  })

  it.each(
    targets.filter(({ takesForms, hasBody }) => takesForms && hasBody).map((target) => [target.route, target] as const),
  )('is refused at %s with the words that JSON is refused with', async (_route, target) => {
    const { access_token } = await givenVerifiedUser(server)
    const headers = { Authorization: `Bearer ${access_token}` }
    for (const { name, optional } of target.fields) {
      const { [name]: _left, ...fields } = sampleBody(target) as Record<string, string>
      if (optional) continue
      const [asJson, asForm] = [
        await exchange(server.url, target.path, {
          method: target.method,
          headers: { ...headers, 'Content-Type': 'application/json' },
          body: JSON.stringify(fields),
        }),
        await sendForm(encode(Object.entries(fields)), { ...target, headers }),
      ]
      expect(asJson.status).toBe(400)
      expect([asForm.status, asForm.text]).toEqual([asJson.status, asJson.text])
    }
  })

  it('has the last value of a repeated field', async () => {
    const { username, password } = await givenVerifiedUser(server)
    const login = (passwords: string[]) =>
      sendForm(encode([['username', username], ...passwords.map((each): Part => ['password', each])]), {
        path: '/api/login/',
      })
    expect((await login(['something else', password])).status).toBe(200)
    expect(foreignRefusalOf(await login([password, 'something else']))).toBe(django.noAccount)
  })

  it('has a question mark at its beginning as part of the first name', async () => {
    const { email, password } = await givenVerifiedUser(server)
    const body = `?email=${encodeURIComponent(email)}&password=${encodeURIComponent(password)}`
    const answer = await sendForm(
      { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body },
      { path: '/api/v1/drf/auth/login/' },
    )
    expect(foreignRefusalOf(answer)).toBe(django.fields({ email: ['This field is required.'] }))
  })

  it('has an empty optional field as an absent one, unless it may not be blank', async () => {
    const { email, password } = await givenVerifiedUser(server)
    const parts: Part[] = [
      ['username', ''],
      ['email', email],
      ['password', password],
    ]
    expect((await sendForm(encode(parts), { path: '/api/auth/login/' })).status).toBe(200)
    const blank = { username: ['This field may not be blank.'] }
    const answer = await sendForm(
      encode([
        ['username', ''],
        ['password', password],
      ]),
      { path: '/api/login/' },
    )
    expect(foreignRefusalOf(answer)).toBe(django.fields(blank))
  })

  it.each([
    ['our own API', '/api/v1/auth/login_credentials', {}],
    ['who has the refresh token in a cookie', '/api/auth/login/', { 'Auth-Transport': 'cookie' }],
    ['who has it in a cookie and refreshes', '/api/refresh/', { 'Auth-Transport': 'cookie' }],
    ['who names a transport that there is not', '/api/login/', { 'Auth-Transport': 'pigeon' }],
  ])('is not for %s', async (_who, path, headers: Record<string, string>) => {
    const { username, password } = await givenVerifiedUser(server)
    const parts: Part[] = [
      ['username', username],
      ['password', password],
    ]
    const { status, headers: answered } = await sendForm(encode(parts), { path, headers })
    expect([status, answered['set-cookie']]).toEqual([415, undefined])
  })

  it('is refused by every endpoint where REFRESH_TRANSPORT is cookie', () =>
    withServer({ REFRESH_TRANSPORT: 'cookie' }, async (to) => {
      const { username, password } = randomUser()
      for (const path of ['/api/auth/login/', '/api/login/', '/api/logout/', '/api/v1/drf/auth/login/']) {
        const answer = await sendForm(
          encode([
            ['username', username],
            ['password', password],
          ]),
          { path, to },
        )
        expect(foreignRefusalOf(answer)).toContain(`415 {"detail":"Unsupported media type \\"${kind}`)
        expect(answer.headers['set-cookie']).toBeUndefined()
      }
    }))

  // A form needs no preflight: any page could log its visitors in as another user, or out of their trusted devices.
  it.each([
    ['another site', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
    ['a sibling of this host', { Origin: 'https://other.example.com', 'Sec-Fetch-Site': 'same-site' }],
    ['another site in an old browser', { Origin: 'https://evil.example' }],
    ['a page without an origin', { Origin: 'null' }],
    ['a page that hides its origin', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('is refused from %s, and does nothing', async (_where, headers: Record<string, string>) => {
    const credentials = await givenVerifiedUser(server)
    for (const [path, fieldsOf] of logins) {
      const answer = await sendForm(encode(fieldsOf(credentials)), { path, headers })
      expect(foreignRefusalOf(answer)).toMatch(/^403 \{"detail":"A form counts only from this origin/)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    const newcomer = randomUser()
    const parts: Part[] = [
      ['username', newcomer.username],
      ['email', newcomer.email],
      ['password', newcomer.password],
    ]
    expect((await sendForm(encode(parts), { path: '/api/register/', headers })).status).toBe(403)
    expect(await server.database.db.user.count({ where: { email: newcomer.email } })).toBe(0)
    expect(await server.database.db.session.count({ where: { userId: credentials.id } })).toBe(1)
  })

  it.each([
    ['this origin', { 'Sec-Fetch-Site': 'same-origin' }],
    ['a listed origin', { Origin: app, 'Sec-Fetch-Site': 'cross-site' }],
    ['a listed origin in an old browser', { Origin: app }],
    ['a program', {}],
  ])('is taken from %s', async (_where, headers: Record<string, string>) => {
    const { username, password } = await givenVerifiedUser(server)
    const parts: Part[] = [
      ['username', username],
      ['password', password],
    ]
    expect((await sendForm(encode(parts), { path: '/api/login/', headers })).status).toBe(200)
  })

  it('has the size limits of JSON', async () => {
    const many = Array.from({ length: 500 }, (_, index): Part => [`x${index}`, ''])
    const { username, password } = await givenVerifiedUser(server)
    const own: Part[] = [
      ['username', username],
      ['password', password],
    ]
    const some = kind.startsWith('multipart') ? many.slice(0, 150) : many
    expect((await sendForm(encode([...some, ...own]), { path: '/api/login/' })).status).toBe(200)
    const tooMuch = encode([...own, ['surprise', 'x'.repeat(16_384)]])
    expect(foreignRefusalOf(await sendForm(tooMuch, { path: '/api/login/' }))).toMatch(/^413 /)
  })

  it('has the fields that were sent and no others, whatever their names', async () => {
    const { username, password } = await givenVerifiedUser(server)
    const strange = ['__proto__', 'constructor', 'toString', '', 'username[not]', 'password[]']
    const parts: Part[] = [...strange.map((name): Part => [name, 'x']), ['username', username]]
    expect(foreignRefusalOf(await sendForm(encode(parts), { path: '/api/login/' }))).toBe(django.required('password'))
    expect((await sendForm(encode([...parts, ['password', password]]), { path: '/api/login/' })).status).toBe(200)
  })
})

describe('a form that cannot be read', () => {
  const login = (headers: Record<string, string>, body: string | Buffer) =>
    exchange(server.url, '/api/login/', { method: 'POST', headers, body })
  const type = 'multipart/form-data; boundary=x'
  const field = (name: string, value: string) =>
    `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

  // Decoders replace bytes that are no UTF-8, so two passwords could become one.
  it.each([
    [
      'as it is',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      Buffer.from('username=a&password=\xff', 'latin1'),
    ],
    ['percent-encoded', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'username=a&password=%ff'],
    [
      'half of it percent-encoded',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      'username=a&password=%c3%20',
    ],
    ['in a surrogate', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'username=a&password=%ed%a0%80'],
    ['in the name of a field', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'username=a&password=b&%ff=c'],
    [
      'in a part',
      { 'Content-Type': type },
      Buffer.from(`${field('username', 'a')}${field('password', '\xff')}--x--`, 'latin1'),
    ],
  ])('is refused when it holds what is no UTF-8: %s', async (_where, headers: Record<string, string>, body) => {
    expect(foreignRefusalOf(await login(headers, body))).toMatch(
      /^400 \{"detail":"(Multipart form|Form) parse error - /,
    )
  })

  const whole = `${field('username', 'a')}${field('password', 'b')}--x--\r\n`
  it.each([
    ['has no boundary', 'multipart/form-data', whole],
    ['has an empty boundary', 'multipart/form-data; boundary=', whole],
    ['has another boundary', 'multipart/form-data; boundary=y', whole],
    ['has boundaries only in its text', type, 'text'],
    ['ends in the middle of a header', type, whole.slice(0, 20)],
    ['ends in the middle of a field', type, whole.slice(0, -12)],
  ])('is refused when it %s', async (_what, contentType, body) => {
    const answer = await login({ 'Content-Type': contentType }, body)
    expect(foreignRefusalOf(answer)).toMatch(/^400 \{"detail":"Multipart form parse error - /)
  })

  it('is answered, wherever it is cut off', async () => {
    for (let length = 1; length < whole.length; length += 1) {
      expect([400, 401]).toContain((await login({ 'Content-Type': type }, whole.slice(0, length))).status)
    }
  })

  it.each(['application/x-www-form-urlencoded; charset=latin1', 'multipart/form-data; boundary=x; charset=utf-16'])(
    'is refused in another charset: %s',
    async (contentType) => {
      expect(foreignRefusalOf(await login({ 'Content-Type': contentType }, 'username=a'))).toMatch(/^415 /)
    },
  )

  it('is read with a lone percent sign, as clients without an encoder send it', async () => {
    const { username, password } = await givenVerifiedUser(server, { password: '100% certain of%this' })
    const answer = await login(
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      `username=${username}&password=${password}`,
    )
    expect(answer.status).toBe(200)
  })
})

describe('a file in a form', () => {
  it('is no text: under the name of a field it is refused, and under another name ignored', async () => {
    const { username, password } = await givenVerifiedUser(server)
    const own: Part[] = [
      ['username', username],
      ['password', password],
    ]
    const login = (parts: readonly Part[]) => sendForm(multipart(parts), { path: '/api/login/' })
    expect(
      foreignRefusalOf(
        await login([
          ['username', username],
          ['password', password, 'password.txt'],
        ]),
      ),
    ).toBe(django.fields({ password: ['Not a valid string.'] }))
    expect((await login([...own, ['picture', Buffer.from('89504e47ff00', 'hex'), 'me.png']])).status).toBe(200)
  })

  it('that was not chosen is an empty text', async () => {
    const { username } = randomUser()
    const answer = await sendForm(
      multipart([
        ['username', username],
        ['password', '', ''],
      ]),
      { path: '/api/login/' },
    )
    expect(foreignRefusalOf(answer)).toBe(django.fields({ password: ['This field may not be blank.'] }))
  })
})
