import { keysOf, refusalOf, visibleOf } from '../../support/answers.ts'
import { comparedDuring } from '../../support/bcrypt.ts'
import type { Credentials } from '../../support/fixtures.ts'
import { eventsOf, givenLink, givenUser, logIn, mailsTo, randomUser } from '../../support/fixtures.ts'
import { call, client } from '../../support/foreign.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ EMAIL_VERIFICATION: 'required', TRUST_PROXY: '1' })
})
afterAll(() => server.close())

let networks = 0
const aNetwork = () => `198.18.${++networks >> 8}.${networks & 255}`
const from = (network: string) => ({ 'X-Forwarded-For': network })

const register = (credentials: Credentials, network: string) =>
  server.send('POST', '/register_credentials', { body: credentials, headers: from(network) })
const verify = (body: object) => server.send('POST', '/verify_email', { body })
const resend = (email: string) =>
  server.send('POST', '/resend_verification', { body: { email }, headers: from(aNetwork()) })

const tokensIn = async (email: string) =>
  (await mailsTo(server, email)).map(({ text }) => /token=([\w-]{43})/.exec(text)?.[1] ?? 'none')
const tokenOfLastMail = async (email: string) => (await tokensIn(email)).at(-1) ?? 'none'

let owners = 0
const anOwner = (): Credentials => ({ ...randomUser(), password: `the password of owner ${++owners}` })

/** Registers the address so many times in a row, from so many networks in turn. */
async function attack({ email }: Credentials, attempts: number, origins: number): Promise<Credentials[]> {
  const addresses = Array.from({ length: origins }, aNetwork)
  const attackers: Credentials[] = []
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const attacker = { ...randomUser(), email, password: `password of attack ${attempt}` }
    expect((await register(attacker, addresses[attempt % origins] ?? '')).status).toBe(201)
    attackers.push(attacker)
  }
  return attackers
}

async function expectAccount(owner: Credentials, attackers: readonly Credentials[]) {
  const { status, body } = await logIn(server, owner.email, owner.password)
  expect([status, body.user?.username]).toEqual([200, owner.username])
  const attacker = attackers.at(-1)
  for (const name of [owner.email, owner.username, attacker?.username ?? '']) {
    expect((await logIn(server, name, attacker?.password ?? '')).body.access_token).toBeUndefined()
  }
}

const attacks = [
  ['5 times from one network', 5, 1],
  ['50 times from one network', 50, 1],
  ['50 times from five networks', 50, 5],
  ['50 times from fifty networks', 50, 50],
] as const

describe('an address that attackers registered', () => {
  it.each(attacks)("still gives its owner a mail, and an account with the owner's password: %s", async (_, ...size) => {
    const owner = anOwner()
    const attackers = await attack(owner, ...size)
    const before = (await mailsTo(server, owner.email)).length
    expect((await register(owner, aNetwork())).status).toBe(201)
    expect(await mailsTo(server, owner.email)).toHaveLength(before + 1)
    expect((await verify({ token: await tokenOfLastMail(owner.email), password: owner.password })).status).toBe(200)
    await expectAccount(owner, attackers)
  })

  it.each(attacks)('belongs to its owner also when the attackers came later: %s', async (_, ...size) => {
    const owner = anOwner()
    await register(owner, aNetwork())
    const token = await tokenOfLastMail(owner.email)
    const attackers = await attack(owner, ...size)
    expect((await verify({ token, password: owner.password })).status).toBe(200)
    await expectAccount(owner, attackers)
  })

  it.each([
    ['before', 4],
    ['after', 4],
  ] as const)(
    "belongs to its owner by one new link, with the owner's password, when they came %s",
    async (when, origins) => {
      const owner = anOwner()
      const attackers = when === 'before' ? await attack(owner, 20, origins) : []
      await register(owner, aNetwork())
      if (when === 'after') attackers.push(...(await attack(owner, 20, origins)))
      const before = (await mailsTo(server, owner.email)).length
      await resend(owner.email)
      expect(await mailsTo(server, owner.email)).toHaveLength(before + 1)
      expect((await verify({ token: await tokenOfLastMail(owner.email), password: owner.password })).status).toBe(200)
      await expectAccount(owner, attackers)
    },
  )

  it('belongs to its owner by any mailed link, also one that another registration caused', async () => {
    const owner = anOwner()
    const attackers = await attack(owner, 3, 3)
    await register(owner, aNetwork())
    const [ofAnAttack = ''] = await tokensIn(owner.email)
    expect((await verify({ token: ofAnAttack, password: owner.password })).status).toBe(200)
    await expectAccount(owner, attackers)
  })

  it('keeps the newest registration when a new password is set, and no registered password', async () => {
    const owner = anOwner()
    await register(owner, aNetwork())
    const [token] = await tokensIn(owner.email)
    const attackers = await attack(owner, 5, 5)
    const newest = attackers.at(-1) as Credentials
    const before = await Promise.all([newest, owner].map((one) => logIn(server, one.email, one.password)))
    const new_password = 'a password of my own'
    expect((await verify({ token, new_password })).status).toBe(200)
    const { status, body } = await logIn(server, owner.email, new_password)
    expect([status, body.user.username]).toEqual([200, newest.username])
    for (const { password } of [owner, ...attackers]) {
      expect((await logIn(server, newest.username, password)).status).not.toBe(200)
    }
    // The other answers reveal nothing to the attacker.
    const after = await Promise.all([newest, owner].map((one) => logIn(server, one.email, one.password)))
    expect(after.map(visibleOf)).toEqual(before.map(visibleOf))
  })
})

describe('POST /verify_email, for a pending registration', () => {
  async function givenWaiting(credentials = anOwner()) {
    await register(credentials, aNetwork())
    return { ...credentials, token: await tokenOfLastMail(credentials.email) }
  }
  const exists = async (email: string) => (await server.database.db.user.count({ where: { email } })) === 1

  it('asks for a password, refuses wrong and weak ones, and spends the token for none of these', async () => {
    const { token, email, password, username } = await givenWaiting()
    expect(refusalOf(await verify({ token }))).toBe('400 password_required #/password password_required')
    expect(refusalOf(await verify({ token, password: 'not it at all' }))).toBe(
      '400 registration_password_wrong #/password registration_password_wrong',
    )
    expect(refusalOf(await verify({ token, new_password: 'password1' }))).toBe(
      '400 invalid_request #/new_password password_common',
    )
    expect(refusalOf(await verify({ token, new_password: username }))).toBe(
      '400 invalid_request #/new_password password_personal',
    )
    expect(await exists(email)).toBe(false)
    expect((await verify({ token, password })).status).toBe(200)
    expect((await logIn(server, email, password)).status).toBe(200)
  })

  it('answers a spent token as before, whatever is sent with it, and changes nothing more', async () => {
    const { token, email, password } = await givenWaiting()
    const first = await verify({ token, password })
    const user = await server.database.db.user.findUniqueOrThrow({ where: { email } })
    const before = await eventsOf(server, user)
    for (const more of [{}, { password }, { password: 'not it at all' }, { new_password: 'another good password' }]) {
      expect(visibleOf(await verify({ token, ...more }))).toBe(visibleOf(first))
    }
    expect(await eventsOf(server, user)).toEqual(before)
    expect((await logIn(server, email, password)).status).toBe(200)
  })

  it('compares equally often for any number of pending registrations and any password', async () => {
    const [alone, crowded] = [anOwner(), anOwner()]
    await register(alone, aNetwork())
    await register(crowded, aNetwork())
    const [token] = await tokensIn(crowded.email)
    await attack(crowded, 12, 12)
    const counts = []
    for (const sent of [
      { token: await tokenOfLastMail(alone.email), password: 'not it at all' },
      { token, password: 'not it at all' },
      { token, password: crowded.password },
    ]) {
      counts.push((await comparedDuring(() => verify(sent))).length)
    }
    expect(counts).toEqual([5, 5, 5])
  })

  it('allows no further guesses, and still takes a new password; wrong logins do not interfere', async () => {
    const { token, email, username, password } = await givenWaiting()
    for (let failure = 0; failure < 10; failure += 1) await logIn(server, email, 'not it at all')
    const other = await givenWaiting()
    for (let failure = 0; failure < 10; failure += 1) await logIn(server, other.email, 'not it at all')
    expect((await verify({ token: other.token, password: other.password })).status).toBe(200)

    const refusals = []
    for (let failure = 0; failure < 5; failure += 1) {
      refusals.push(visibleOf(await verify({ token, password: 'not it at all' })))
    }
    refusals.push(visibleOf(await verify({ token, password })))
    expect(new Set(refusals).size).toBe(1)
    expect(await exists(email)).toBe(false)
    expect((await verify({ token, new_password: 'a password of my own' })).status).toBe(200)
    expect((await logIn(server, username, 'a password of my own')).status).toBe(200)
  })

  it('takes another username when the registered one is taken or not wanted', async () => {
    const { username } = randomUser()
    const [first, second] = [
      await givenWaiting({ ...anOwner(), username }),
      await givenWaiting({ ...anOwner(), username }),
    ]
    expect((await verify({ token: first.token, password: first.password })).status).toBe(200)
    const { token, email, password } = second
    const taken = '400 username_taken_meanwhile #/username username_taken_meanwhile'
    expect(refusalOf(await verify({ token, password }))).toBe(taken)
    expect(refusalOf(await verify({ token, password, username: first.username.toUpperCase() }))).toBe(taken)
    expect(refusalOf(await verify({ token, password, username: first.email }))).toBe(
      '400 username_is_address #/username username_is_address',
    )
    const another = randomUser().username
    expect((await verify({ token, password, username: another })).status).toBe(200)
    expect((await logIn(server, another, password)).body.user.email).toBe(email)
  })

  it('is refused once the address has an account, with any token and before any password is compared', async () => {
    const owner = await givenWaiting()
    const { email, password } = owner
    await register({ username: randomUser().username, email, password }, aNetwork())
    const other = await tokenOfLastMail(owner.email)
    await verify({ token: owner.token, password: owner.password })
    const compared = await comparedDuring(async () => {
      for (const more of [{}, { password: owner.password }, { new_password: 'another good password' }]) {
        expect(refusalOf(await verify({ token: other, ...more }))).toBe('400 verification_token_invalid')
      }
    })
    expect(compared).toEqual([])
    expect((await logIn(server, owner.email, owner.password)).status).toBe(200)
  })
})

describe('links of /api/auth, where a token alone verifies', () => {
  const send = client(() => server, '/api/auth')
  const visit = async (token: string) =>
    call(server, {
      method: 'GET',
      path: `/api/auth/verify-email/?token=${token}`,
      headers: { Accept: 'application/json' },
    })

  async function givenAttempt(credentials: Credentials) {
    await send('POST register/', credentials)
    const link = await givenLink(server, credentials.email, /verify/i)
    return { ...credentials, token: new URL(link).searchParams.get('token') ?? 'none' }
  }

  it('complete the registration that the mail was about, which says when that was', async () => {
    const owner = anOwner()
    const attempts = [await givenAttempt({ ...owner, username: randomUser().username, password: 'not of the owner' })]
    server.pass('1h')
    attempts.push(await givenAttempt(owner))
    const texts = (await mailsTo(server, owner.email)).map(({ text }) => text)
    expect(
      new Set(texts.map((text) => /account was registered with this address on (.*)\./.exec(text)?.[1])).size,
    ).toBe(2)
    const answer = await visit(attempts[1]?.token ?? '')
    expect([answer.status, keysOf(answer.body)]).toEqual([200, ['detail']])
    await expectAccount(owner, [attempts[0] as Credentials])
    expect((await visit(attempts[1]?.token ?? '')).status).toBe(200)
    expect((await visit(attempts[0]?.token ?? '')).status).toBe(400)
  })

  it('do nothing alone when our own API mailed them, as those belong to no single registration', async () => {
    const owner = await givenAttempt(anOwner())
    const attackers = await attack(owner, 1, 1)
    const first = await tokenOfLastMail(owner.email)
    expect((await visit(first)).status).toBe(400)
    await resend(owner.email)
    expect((await visit(await tokenOfLastMail(owner.email))).status).toBe(400)
    expect(await server.database.db.user.count({ where: { email: owner.email } })).toBe(0)
    expect((await visit(owner.token)).status).toBe(200)
    await expectAccount(owner, attackers)
  })

  it('ask for the password or a new one in a browser, and where they are posted', async () => {
    const owner = await givenAttempt(anOwner())
    const page = await call(server, {
      method: 'GET',
      path: `/api/auth/verify-email/?token=${owner.token}`,
      headers: { Accept: 'text/html' },
    })
    for (const field of ['password', 'new_password']) expect(page.text).toContain(`name="${field}"`)
    const { token, password } = owner
    const bare = await send('POST verify-email/', { token })
    expect([bare.status, keysOf(bare.body)]).toEqual([400, ['password']])
    expect(keysOf((await send('POST verify-email/', { token, password: 'not it at all' })).body)).toEqual(['password'])
    expect(keysOf((await send('POST verify-email/', { token, new_password: 'password1' })).body)).toEqual([
      'new_password',
    ])
    expect((await send('POST verify-email/', { token, password })).status).toBe(200)
    expect((await logIn(server, owner.email, password)).status).toBe(200)
  })
})

describe('an account that exists already', () => {
  it('is verified by the token alone, also where verification is required', async () => {
    const lenient = await startServer({ ...server.settings, EMAIL_VERIFICATION: 'optional' })
    const user = await givenUser(lenient)
    await resend(user.email)
    await lenient.close()
    expect((await verify({ token: await tokenOfLastMail(user.email) })).status).toBe(200)
    expect((await logIn(server, user.email, user.password)).status).toBe(200)
  })
})
