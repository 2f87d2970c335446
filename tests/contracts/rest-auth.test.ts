import { keysOf, shownUser, times } from '../support/answers.ts'
import { tokenIn } from '../support/clients.ts'
import { collide, many } from '../support/collision.ts'
import { django, foreignRefusalOf } from '../support/error-formats.ts'
import { exchange } from '../support/exchange.ts'
import { givenLink, givenMailedToken, givenUser, mailsTo, randomUser } from '../support/fixtures.ts'
import { call, claimsOf, client, givenVerified } from '../support/foreign.ts'
import type { TestServer } from '../support/server.ts'
import { startServer, withServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ DATABASE_POOL: '60', FRONTEND_URL: 'https://app.example.com' })
})
afterAll(() => server.close())

const send = client(() => server, '/api/auth')

async function givenSession() {
  const { username, email, password } = await givenVerified(server)
  const { body } = await send('POST login/', { username, password })
  return { username, email, password, ...(body as { access: string; refresh: string }) }
}

const sessionOf = async ({ username }: { username: string }) => {
  const { id: userId } = await server.database.db.user.findFirstOrThrow({ where: { username } })
  return server.database.db.session.findFirstOrThrow({ where: { userId } })
}

describe.each(['', '/'])('the printed examples, word for word, with "%s" at the end', (slash) => {
  let fresh: TestServer
  beforeAll(async () => {
    fresh = await startServer()
  })
  afterAll(() => fresh.close())
  const send = client(() => fresh, '/api/auth')

  it('of the service with logins by username', async () => {
    const [username, email, password] = ['yourusername', 'youremail@example.com', 'yourpassword']
    const registered = await send(`POST register${slash}`, { username, email, password })
    expect([registered.status, registered.body]).toEqual([201, { username, email, first_name: '', last_name: '' }])

    const token = tokenIn(await givenLink(fresh, email, /verify/i))
    const verified = await send(`GET verify-email${slash}?token=${token}`)
    expect([verified.status, verified.body]).toEqual([200, { detail: expect.stringMatching(/./) }])

    const login = await send(`POST login${slash}`, { username, password })
    expect([login.status, login.body]).toEqual([200, { access: expect.any(String), refresh: expect.any(String) }])
    const refreshed = await send(`POST login/refresh${slash}`, { refresh: login.body.refresh })
    expect([refreshed.status, refreshed.body]).toEqual([200, { access: expect.any(String) }])

    const out = await send(`POST logout${slash}`, { refresh: login.body.refresh })
    expect([out.status, out.text, out.headers['content-type']]).toEqual([205, '', undefined])
    expect((await send(`POST logout${slash}`, { refresh: login.body.refresh })).status).toBe(205)

    const asked = await send(`POST password-reset${slash}`, { email })
    expect([asked.status, keysOf(asked.body)]).toEqual([200, ['detail']])
    const { pathname } = new URL(await givenLink(fresh, email, /reset/i))
    const reset = await send(`PATCH ${pathname.slice('/api/auth/'.length, -1)}${slash}`, {
      password: 'yournewpassword',
    })
    expect([reset.status, keysOf(reset.body)]).toEqual([200, ['detail']])
    expect((await send(`POST login${slash}`, { username, password: 'yournewpassword' })).status).toBe(200)
  })

  it('of the service with logins by address', async () => {
    const [username, email, password] = ['user123', 'user@example.com', 'securepassword123']
    const names = { first_name: 'John', last_name: 'Doe' }
    const registered = await send(`POST register${slash}`, { email, username, ...names, password, password2: password })
    expect([registered.status, registered.body]).toEqual([201, { username, email, ...names }])
    await send(`GET verify-email${slash}?token=${tokenIn(await givenLink(fresh, email, /verify/i))}`)

    const login = await send(`POST login${slash}`, { email, password })
    expect([login.status, keysOf(login.body)]).toEqual([200, ['access', 'refresh']])
    const refreshed = await send(`POST token/refresh${slash}`, { refresh: login.body.refresh })
    expect([refreshed.status, keysOf(refreshed.body)]).toEqual([200, ['access']])
    for (const token of [login.body.access, login.body.refresh, refreshed.body.access]) {
      const verified = await send(`POST token/verify${slash}`, { token })
      expect([verified.status, verified.body]).toEqual([200, {}])
    }

    const profile = await send(`GET profile${slash}`, undefined, login.body.access)
    const shown = { ...names, email_verified: true, full_name: 'John Doe', display_name: 'John Doe' }
    expect([profile.status, profile.body]).toEqual([200, shownUser({ username, email }, shown)])
    const put = await send(`PUT profile${slash}`, { first_name: 'Jane', timezone: 'Europe/Paris' }, login.body.access)
    const fullName = { full_name: 'Jane Doe', display_name: 'Jane Doe' }
    const changed = { first_name: 'Jane', ...fullName, timezone: 'Europe/Paris' }
    expect([put.status, put.body]).toEqual([200, { ...profile.body, ...changed }])

    const asked = await send(`POST password/reset/request${slash}`, { email })
    expect([asked.status, keysOf(asked.body)]).toEqual([200, ['detail']])
    const token = tokenIn(await givenLink(fresh, email, /reset/i))
    const passwords = { new_password: 'newsecurepassword123', new_password_confirm: 'newsecurepassword123' }
    const reset = await send(`POST password/reset/confirm${slash}`, { token, ...passwords })
    expect([reset.status, keysOf(reset.body)]).toEqual([200, ['detail']])
    expect((await send(`POST login${slash}`, { email, password: passwords.new_password })).status).toBe(200)
    expect(foreignRefusalOf(await send(`POST token/verify${slash}`, { token: login.body.access }))).toBe(
      django.badRefresh,
    )
  })
})

/** The contents of the fragment of a link to a frontend. */
function partsOf(link: string) {
  const { uid = '', token = '' } = Object.fromEntries(new URLSearchParams(new URL(link).hash.slice(1)))
  return { uid, token }
}

const givenMailedTokenInPath = async (email: string) => tokenIn(await givenLink(server, email, /reset/i))

describe('verification', () => {
  it('is always required here, though the settings say optional', async () => {
    const { username, email, password } = randomUser()
    await send('POST register/', { username, email, password })
    for (const credentials of [{ username }, { email }]) {
      expect(foreignRefusalOf(await send('POST login/', { ...credentials, password }))).toBe(django.noAccount)
    }
    expect(await server.database.db.user.findFirst({ where: { email } })).toBeNull()
    const own = await givenUser(server)
    const unverified = { username: own.username, password: own.password }
    expect(foreignRefusalOf(await send('POST login/', unverified))).toBe(django.noAccount)
    expect((await client(() => server, '/api')('POST login/', unverified)).status).toBe(200)
  })

  it('answers registrations of known and unknown addresses alike, and mails the difference', async () => {
    const { email } = await givenVerified(server)
    const [first, second] = [randomUser(), { ...randomUser(), email }]
    const [unknown, known] = [await send('POST register/', first), await send('POST register/', second)]
    expect([unknown.status, known.status]).toEqual([201, 201])
    expect(known.text).toBe(unknown.text.replace(first.username, second.username).replace(first.email, email))
    expect(keysOf(known.headers)).toEqual(keysOf(unknown.headers))
    expect((await mailsTo(server, email)).map(({ subject }) => subject)).toEqual([
      'Verify your e-mail address',
      expect.not.stringMatching(/verify/i),
    ])
  })

  it('leads to a page of its own and its resets to the frontend, and other contracts lead to what the settings say', async () => {
    const credentials = await givenVerified(server)
    const base = new URL(await givenLink(server, credentials.email, /verify/i))
    expect(base.pathname + base.search).toMatch(/^\/api\/auth\/verify-email\/\?token=[\w-]{43}$/)
    await send('POST password-reset/', { email: credentials.email })
    const { id } = await server.database.db.user.findFirstOrThrow({ where: { email: credentials.email } })
    const uid = Buffer.from(String(id)).toString('base64url')
    const reset = await givenLink(server, credentials.email, /reset/i)
    expect(reset).toMatch(new RegExp(`^https://app\\.example\\.com/reset-password#uid=${uid}&token=[\\w-]{43}$`))
    expect(base.host).not.toBe('app.example.com')

    const own = await givenUser(server)
    expect(await givenLink(server, own.email, /verify/i)).toMatch(/^https:\/\/app\.example\.com\/verify-email#token=/)
    // A second reset mail within a minute is not sent.
    server.pass('2m')
    await server.send('POST', '/forgot_password', { body: { email: credentials.email } })
    expect(await givenLink(server, credentials.email, /reset/i)).toMatch(
      /^https:\/\/app\.example\.com\/reset-password#token=/,
    )
  })
})

describe('GET verify-email/', () => {
  async function givenPath() {
    const credentials = randomUser()
    await send('POST register/', credentials)
    const { pathname, search } = new URL(await givenLink(server, credentials.email, /verify/i))
    return {
      ...credentials,
      path: pathname + search,
      token: await givenMailedToken(server, credentials.email, /verify/i),
    }
  }
  const exists = async (email: string) => (await server.database.db.user.count({ where: { email } })) === 1

  const front = 'https://app.example.com'
  const html = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

  it.each([
    ['a program that says nothing', {}],
    ['a program that takes anything, as curl does', { Accept: '*/*' }],
    ['a program that takes any text', { Accept: 'text/*, */*;q=0.1' }],
    ['a program that takes any JSON but this', { Accept: 'application/json;q=0, */*' }],
    ['a program that takes another type', { Accept: 'application/jsonlines' }],
    ['a program that takes pages as well', { Accept: 'text/html, application/json' }],
    ['a browser', { Accept: html, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }],
    ['a browser that navigates and takes JSON', { Accept: 'application/json', 'Sec-Fetch-Mode': 'navigate' }],
    ['a browser that loads ahead', { Accept: '*/*', 'Sec-Purpose': 'prefetch;prerender' }],
    ['a fetch() that loads ahead', { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', 'Sec-Purpose': 'prefetch' }],
    ['an image in a page', { Accept: 'image/avif,*/*', 'Sec-Fetch-Mode': 'no-cors' }],
    ['a request without an answer to read', { Accept: 'application/json', 'Sec-Fetch-Mode': 'no-cors' }],
    ['a fetch() of another site', { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', Origin: 'https://mail.example' }],
    ['a fetch() of no site', { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', Origin: 'null' }],
    ['an old browser on another site', { Accept: '*/*', Origin: 'https://app.example.com.evil.example' }],
  ])(
    'shows a page that asks for a password to %s, and spends nothing',
    async (_name, headers: Record<string, string>) => {
      const { path, email, password, token } = await givenPath()
      for (const method of ['GET', 'HEAD', 'GET']) {
        const page = await exchange(server.url, path, { method, headers })
        expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
        expect(page.text.match(/<input [^>]*type="password"/g) ?? []).toHaveLength(method === 'GET' ? 2 : 0)
        expect(page.text).not.toContain(token)
        expect(page.headers['referrer-policy']).toBe('no-referrer')
      }
      expect(await exists(email)).toBe(false)
      // The body that the form sends.
      const posted = await send('POST verify-email/', { token, password })
      expect([posted.status, keysOf(posted.body), await exists(email)]).toEqual([200, ['detail'], true])
    },
  )

  it.each([
    ['a program that takes JSON', { Accept: 'application/json' }],
    ['a program that takes JSON before all others', { Accept: 'application/json, text/plain, */*' }],
    ['a program that takes JSON with a weight', { Accept: 'text/plain, Application/JSON; q=0.9' }],
    ['a fetch() of the same site', { Accept: '*/*', 'Sec-Fetch-Mode': 'cors' }],
    ['a fetch() of a listed site', { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', Origin: front }],
    ['an old browser on a listed site', { Accept: '*/*', Origin: front }],
  ])('verifies at once for %s, and says so again', async (_name, headers: Record<string, string>) => {
    const { path, email } = await givenPath()
    const first = await exchange(server.url, path, { headers })
    expect([first.status, keysOf(first.body), await exists(email)]).toEqual([200, ['detail'], true])
    const second = await exchange(server.url, path, { headers })
    expect([second.status, second.text]).toEqual([200, first.text])
  })

  it('spends nothing for a HEAD of any kind', async () => {
    const { path, email } = await givenPath()
    for (const Accept of ['application/json', '*/*', html]) {
      const answer = await call(server, { method: 'HEAD', path, headers: { Accept } })
      expect([answer.status, answer.text, await exists(email)]).toEqual([200, '', false])
    }
    const { headers } = await call(server, { method: 'OPTIONS', path })
    expect(headers.allow).toBe('GET, HEAD, POST')
  })

  it('refuses no token, several, and one that is none', async () => {
    expect(foreignRefusalOf(await send('GET verify-email/'))).toBe(django.required('token'))
    expect(foreignRefusalOf(await send('GET verify-email/?token=a&token=b'))).toBe(
      django.fields({ token: ['Not a valid string.'] }),
    )
    expect(foreignRefusalOf(await send('GET verify-email/?token='))).toBe(
      django.fields({ token: ['This field may not be blank.'] }),
    )
    expect(foreignRefusalOf(await send('GET verify-email/?token=x'))).toBe(django.badToken('verification'))
  })
})

describe('the refresh token', () => {
  it('is not replaced: it gives any number of access tokens, and the session shows when', async () => {
    const session = await givenSession()
    const { createdAt } = await sessionOf(session)
    const tokens = new Set<string>()
    for (const path of ['login/refresh/', 'token/refresh/', 'login/refresh/']) {
      server.pass('1m')
      const { status, body } = await send(`POST ${path}`, { refresh: session.refresh })
      expect(status).toBe(200)
      expect((await send('GET profile/', undefined, body.access)).status).toBe(200)
      tokens.add(body.access)
    }
    expect(tokens.size).toBe(3)
    const { lastUsedAt, generation, expiresAt } = await sessionOf(session)
    expect(Number(lastUsedAt) - createdAt.getTime()).toBeGreaterThanOrEqual(180_000)
    expect([generation, Math.floor(expiresAt.getTime() / 1000)]).toEqual([0, claimsOf(session.refresh).exp])
  })

  it('ends at its expiry, with a logout and with a reset', async () => {
    const [late, left, forgetful] = [await givenSession(), await givenSession(), await givenSession()]
    await send('POST logout/', { refresh: left.refresh })
    await send('POST password-reset/', { email: forgetful.email })
    const { uid, token } = partsOf(await givenLink(server, forgetful.email, /reset/i))
    await send(`PATCH password-reset-confirm/${uid}/${token}/`, { password: 'yournewpassword 1' })
    for (const { refresh, access } of [left, forgetful]) {
      expect(foreignRefusalOf(await send('POST token/refresh/', { refresh }))).toBe(django.blacklisted)
      expect(foreignRefusalOf(await send('GET profile/', undefined, access))).toBe(django.badAccess)
      expect(foreignRefusalOf(await send('POST token/verify/', { token: refresh }))).toBe(django.badRefresh)
    }
    server.pass('7d')
    expect(foreignRefusalOf(await send('POST token/refresh/', { refresh: late.refresh }))).toBe(django.badRefresh)
  })

  it('that another contract has replaced ends the session when it comes back after the grace', async () => {
    const { refresh } = await givenSession()
    const { body } = await client(() => server, '/api')('POST refresh/', { refresh })
    expect((await send('POST token/refresh/', { refresh })).status).toBe(200)
    server.pass('11s')
    expect(foreignRefusalOf(await send('POST token/refresh/', { refresh }))).toBe(django.blacklisted)
    expect(foreignRefusalOf(await send('POST token/refresh/', { refresh: body.refresh }))).toBe(django.blacklisted)
    expect(foreignRefusalOf(await send('GET profile/', undefined, body.access))).toBe(django.badAccess)
  })

  it('gives 50 access tokens at once, all of which work', async () => {
    const session = await givenSession()
    const { userId } = await sessionOf(session)
    const refresh = () => send('POST token/refresh/', { refresh: session.refresh })
    const answers = await collide(server, userId, many(50, refresh))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    const looks = await times(50, (index) => send('GET profile/', undefined, answers[index]?.body.access))
    expect(looks.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(await sessionOf(session)).toMatchObject({ generation: 0, revokedAt: null })
  })

  it('gives no working token once a logout has won the race', async () => {
    const session = await givenSession()
    const { userId } = await sessionOf(session)
    const [out, late] = await collide(server, userId, [
      () => send('POST logout/', { refresh: session.refresh }),
      () => send('POST token/refresh/', { refresh: session.refresh }),
    ])
    expect(out?.status).toBe(205)
    expect(late && foreignRefusalOf(late)).toBe(django.blacklisted)
    const other = await givenSession()
    const [early] = await collide(server, (await sessionOf(other)).userId, [
      () => send('POST token/refresh/', { refresh: other.refresh }),
      () => send('POST logout/', { refresh: other.refresh }),
    ])
    expect(early?.status).toBe(200)
    expect(foreignRefusalOf(await send('GET profile/', undefined, early?.body.access))).toBe(django.badAccess)
  })

  it('and a simultaneous rotation through another contract both get working tokens', async () => {
    const session = await givenSession()
    const { userId } = await sessionOf(session)
    const [rotated, issued] = await collide(server, userId, [
      () => client(() => server, '/api')('POST refresh/', { refresh: session.refresh }),
      () => send('POST token/refresh/', { refresh: session.refresh }),
    ])
    expect([rotated?.status, issued?.status]).toEqual([200, 200])
    for (const answer of [rotated, issued]) {
      expect((await send('GET profile/', undefined, answer?.body.access)).status).toBe(200)
    }
    expect(await sessionOf(session)).toMatchObject({ generation: 1, revokedAt: null })
  })
})

describe('PATCH password-reset-confirm/{uidb64}/{token}/', () => {
  const password = 'yournewpassword 1'

  async function givenLinkParts() {
    const { email, username } = await givenVerified(server)
    await send('POST password-reset/', { email })
    const { uid, token } = partsOf(await givenLink(server, email, /reset/i))
    return { email, username, pathname: `/api/auth/password-reset-confirm/${uid}/${token}/`, uid, token }
  }
  const confirm = (uid: string, token: string, body: object = { password }) =>
    send(`PATCH password-reset-confirm/${uid}/${token}/`, body)

  it('refuses a token with the uid of another user, and does not spend it', async () => {
    const [mine, theirs] = [await givenLinkParts(), await givenLinkParts()]
    for (const uid of [theirs.uid, Buffer.from('0').toString('base64url'), 'AAAA', `${mine.uid}AA`, 'x'.repeat(500)]) {
      expect(foreignRefusalOf(await confirm(uid, mine.token))).toBe(django.badToken('reset'))
    }
    expect((await confirm(mine.uid, mine.token)).status).toBe(200)
    expect(foreignRefusalOf(await confirm(mine.uid, mine.token))).toBe(django.badToken('reset'))
    expect((await send('POST login/', { username: mine.username, password })).status).toBe(200)
  })

  // Decoders accept more spellings than encoders write: MDM is "03", and MR is a 1 with unused bits set.
  it('accepts one spelling of a uid, and refuses the others like the uid of another user', async () => {
    const { uid, token, username } = await givenLinkParts()
    const id = Buffer.from(uid, 'base64url').toString()
    const respelled = (text: string) => Buffer.from(text).toString('base64url')
    const loose = Array.from(uid, (_, index) =>
      [...'Rhx'].map((mail) => uid.slice(0, index) + mail + uid.slice(index + 1)),
    )
    const others = loose.flat().filter((each) => each !== uid && Buffer.from(each, 'base64url').toString() === id)
    for (const text of [
      `0${id}`,
      `${id}.0`,
      `+${id}`,
      ` ${id}`,
      `${id} `,
      `${Number(id)}e0`,
      `0x${Number(id).toString(16)}`,
    ]) {
      others.push(respelled(text))
    }
    for (const other of others) {
      expect(foreignRefusalOf(await confirm(other, token))).toBe(django.badToken('reset'))
    }
    expect((await confirm(uid, token)).status).toBe(200)
    expect((await send('POST login/', { username, password })).status).toBe(200)
  })

  it('does not reveal how a uid is made', async () => {
    const { token } = await givenLinkParts()
    expect(foreignRefusalOf(await confirm('%20', token))).toBe(
      django.fields({ uidb64: ['Must be the one of the link.'] }),
    )
  })

  it('does not spend the token when the password is refused', async () => {
    const { uid, token, email } = await givenLinkParts()
    const common = { password: ['This password is too common.'] }
    expect(foreignRefusalOf(await confirm(uid, token, { password: 'password123' }))).toBe(django.fields(common))
    expect(foreignRefusalOf(await confirm(uid, token, {}))).toBe(django.required('password'))
    expect(foreignRefusalOf(await confirm(uid, token, { password: email }))).toMatch(/^400 \{"password":\[/)
    expect((await confirm(uid, token)).status).toBe(200)
  })

  it('ignores a uid and a token in the body', async () => {
    const [mine, theirs] = [await givenLinkParts(), await givenLinkParts()]
    const answer = await confirm(mine.uid, 'x', { password, uidb64: theirs.uid, token: theirs.token })
    expect(foreignRefusalOf(answer)).toBe(django.badToken('reset'))
  })

  it('shows a form to browsers, and programs cannot GET it', async () => {
    const { pathname: path, uid, token } = await givenLinkParts()
    for (const Accept of ['text/html', '*/*']) {
      const page = await call(server, { method: 'GET', path, headers: { Accept } })
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
      expect(page.text.match(/<form/g)).toHaveLength(1)
      expect(page.text).not.toContain(token)
    }
    const program = await call(server, { method: 'GET', path })
    expect([foreignRefusalOf(program), program.headers.allow]).toEqual([django.wrongMethod('GET'), 'PATCH, OPTIONS'])
    expect((await confirm(uid, token)).status).toBe(200)
  })

  it('leaves no trace of the token in the log', async () => {
    const { uid, token } = await givenLinkParts()
    await confirm(uid, token, {})
    await send(`GET password-reset-confirm/${uid}/${token}/`)
    expect(server.logged.filter((line) => line.includes(token))).toEqual([])
  })
})

describe('confirmations', () => {
  const differs = ['The two passwords do not match.']

  it('are compared when they are given', async () => {
    const credentials = randomUser()
    const answer = await send('POST register/', { ...credentials, password2: `${credentials.password}!` })
    expect(foreignRefusalOf(answer)).toBe(django.fields({ password2: differs }))
    expect((await send('POST register/', { ...credentials, password2: credentials.password })).status).toBe(201)
  })

  it('must be given for a reset, and a wrong one does not spend the token', async () => {
    const { email } = await givenVerified(server)
    await send('POST password/reset/request/', { email })
    const token = await givenMailedTokenInPath(email)
    const confirm = (body: object) => send('POST password/reset/confirm/', { token, ...body })
    const new_password = 'newsecurepassword123'
    expect(foreignRefusalOf(await confirm({ new_password }))).toBe(django.required('new_password_confirm'))
    expect(foreignRefusalOf(await confirm({ new_password, new_password_confirm: 'x' }))).toBe(
      django.fields({ new_password_confirm: differs }),
    )
    expect((await confirm({ new_password, new_password_confirm: new_password })).status).toBe(200)
  })
})

describe('POST login/', () => {
  it('takes a username or an address, and names the field that was sent in an error', async () => {
    const { username, email, password } = await givenVerified(server)
    for (const sent of [{ username }, { email }, { username: email }, { username, email }]) {
      expect((await send('POST login/', { ...sent, password })).status).toBe(200)
    }
    expect(foreignRefusalOf(await send('POST login/', { password }))).toBe(django.required('username'))
    const blank = ['This field may not be blank.']
    expect(foreignRefusalOf(await send('POST login/', { email: '', password }))).toBe(django.fields({ email: blank }))
    expect(foreignRefusalOf(await send('POST login/', { username: '', password }))).toBe(
      django.fields({ username: blank }),
    )
  })

  it('opens sessions with the lifetimes of the settings', () =>
    withServer({ ACCESS_TOKEN_LIFETIME: '7m', REFRESH_TOKEN_LIFETIME: '2d' }, async (other) => {
      const { username, password } = await givenVerified(other)
      const { body } = await client(() => other, '/api/auth')('POST login/', { username, password })
      const [access, refresh] = [claimsOf(body.access), claimsOf(body.refresh)]
      expect([access.exp - access.iat, refresh.exp - refresh.iat]).toEqual([420, 172_800])
    }))
})
