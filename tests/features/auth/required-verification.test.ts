import { keysOf, pairKeys, refusalOf, shownUser, times, visibleOf } from '../../support/answers.ts'
import { comparedDuring } from '../../support/bcrypt.ts'
import type { Credentials } from '../../support/fixtures.ts'
import {
  eventsOf,
  givenDisabled,
  givenRegistration,
  givenResetToken,
  givenUser,
  givenVerificationToken,
  logIn,
  mailsTo,
  randomUser,
  recordedBy,
} from '../../support/fixtures.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer } from '../../support/server.ts'

let server: TestServer
/** On the same database, where verification is optional. */
let lenient: TestServer
beforeAll(async () => {
  server = await startServer({ EMAIL_VERIFICATION: 'required' })
  lenient = await startServer({ ...server.settings, EMAIL_VERIFICATION: 'optional' })
})
afterAll(async () => {
  await lenient.close()
  await server.close()
})

const register = (credentials: Credentials & Record<string, unknown>) =>
  server.send('POST', '/register_credentials', { body: credentials })
const verify = (token: string, { password } = randomUser()) =>
  server.send('POST', '/verify_email', { body: { token, password } })
const countUsers = (email: string) => server.database.db.user.count({ where: { email } })

async function givenVerified(credentials: Partial<Credentials> = {}): Promise<Credentials> {
  const registration = await givenRegistration(server, credentials)
  expect((await verify(registration.token, registration)).status).toBe(200)
  return registration
}

describe('POST /register_credentials, where verification is required', () => {
  it('answers with the address and no tokens, and makes no user yet', async () => {
    const credentials = randomUser()
    const { status, body } = await register({ ...credentials, email: credentials.email.toUpperCase() })
    expect(status).toBe(201)
    expect(body).toEqual({ detail: expect.any(String), email: credentials.email, verification_required: true })
    expect(await countUsers(credentials.email)).toBe(0)
    expect(await server.database.db.user.count({ where: { username: credentials.username } })).toBe(0)
  })

  it('the answer contains the registration without the address, and so does each mail that is sent anew', async () => {
    const credentials = randomUser()
    const { username, email } = credentials
    const started = await recordedBy(server, 'POST', '/register_credentials', { body: credentials })
    const { id } = await server.database.db.registration.findFirstOrThrow({ where: { username } })
    expect(started).toEqual([
      { type: 'registration_started', userId: 0, sessionId: null, details: { registration: id } },
    ])
    await server.mails()
    expect(await recordedBy(server, 'POST', '/resend_verification', { body: { email } })).toEqual([
      { type: 'verification_resent', userId: 0, sessionId: null, details: { registration: id } },
    ])
    expect(await mailsTo(server, email)).toHaveLength(2)
  })

  it('answers alike for a free address, one with a pending registration and one with an account, disabled or not', async () => {
    const waiting = await givenRegistration(server)
    const verified = await givenVerified()
    const unverified = await givenUser(lenient)
    const disabled = await givenVerified()
    await server.database.db.user.update({ where: { email: disabled.email }, data: { disabledAt: server.now() } })
    const answers = []
    for (const { email } of [randomUser(), waiting, verified, unverified, disabled]) {
      const answer = await register({ ...randomUser(), email })
      expect(answer.status).toBe(201)
      answers.push(visibleOf(answer).replace(email, 'the address'))
    }
    expect(new Set(answers).size).toBe(1)
  })

  // A username is public and an address is not: "username taken" would reveal a user whose username is the address.
  it.each(['/register_credentials', '//api/auth/register/', '//api/register/'])(
    'answers alike for an address that an account has as its username, and for a free one: %s',
    async (path) => {
      const { email } = randomUser()
      const { password } = await givenVerified({ username: email, email })
      const answers = []
      for (const own of [email, email.toUpperCase(), randomUser().email]) {
        const answer = await server.send('POST', path, { body: { username: own, email: own, password } })
        expect(answer.status).toBe(201)
        answers.push(visibleOf(answer).replaceAll(new RegExp(own, 'gi'), 'the address'))
      }
      expect(new Set(answers).size).toBe(1)
      expect((await mailsTo(server, email)).at(-1)?.subject).toBe('You have an account already')
      expect((await logIn(server, email, password)).status).toBe(200)
    },
  )

  // Where usernames are compared, a dotless i is an i.
  it('answers alike for such an address in letters that fold to it', async () => {
    const [known, free] = [randomUser(), randomUser()].map(({ email }) => email.replace('@', 'i@'))
    await givenVerified({ username: String(known), email: String(known) })
    for (const email of [String(known), String(free)]) {
      const { status } = await register({ ...randomUser(), username: email.replace('i@', 'ı@'), email })
      expect(status).toBe(201)
    }
  })

  it('tells the owner of a registered address by mail, without a token and without a word that the registrant chose', async () => {
    const owner = await givenVerified()
    const otherUser = { ...randomUser(), email: owner.email, first_name: 'Visit-evil-dot-com' }
    await register(otherUser)
    const mails = await mailsTo(server, owner.email)
    expect(mails.map(({ subject }) => subject)).toEqual(['Verify your e-mail address', 'You have an account already'])
    expect(mails[1]?.text).not.toMatch(/token|http/)
    for (const word of [otherUser.username, otherUser.first_name]) expect(JSON.stringify(mails[1])).not.toContain(word)
    const { id } = await server.database.db.user.findUniqueOrThrow({ where: { email: owner.email } })
    expect((await eventsOf(server, { id })).at(-1)).toMatchObject({ type: 'registration_repeated', ip: '127.0.0.1' })
  })

  it('tells the owner once when 20 register the address at once, and five times an hour at most', async () => {
    const owner = await givenVerified()
    const warnings = async () =>
      (await mailsTo(server, owner.email)).filter(({ subject }) => subject === 'You have an account already').length
    const answers = await times(20, () => register({ ...randomUser(), email: owner.email }))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201))
    expect(await warnings()).toBe(1)
    server.pass('1h')
    for (let minute = 1; minute < 10; minute += 1) {
      server.pass('1m')
      await register({ ...randomUser(), email: owner.email })
    }
    expect(await warnings()).toBe(1 + 5)
  })

  it('mails a free address five links an hour at most for one network, each of which completes any registration', async () => {
    const { email } = randomUser()
    const answers = await times(20, () => register({ ...randomUser(), email }))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201))
    expect(await mailsTo(server, email)).toHaveLength(5)
    const last = { ...randomUser(), email, password: 'the password of the last attempt' }
    expect((await register(last)).status).toBe(201)
    expect(await mailsTo(server, email)).toHaveLength(5)
    expect((await verify(await givenVerificationToken(server, last), last)).status).toBe(200)
    expect((await logIn(server, email, last.password)).body.user.username).toBe(last.username)
  })

  it('mails a link to an address with a pending registration, without a word that the registrant chose', async () => {
    const credentials = { ...randomUser(), first_name: 'Visit-evil-dot-com' }
    await register(credentials)
    const [mail, ...others] = await mailsTo(server, credentials.email)
    expect(others).toEqual([])
    for (const word of [credentials.username, credentials.first_name]) {
      expect(JSON.stringify({ ...mail, recipient: '' })).not.toContain(word)
    }
  })

  it('still says that a username is taken, as those are public', async () => {
    const { username } = await givenVerified()
    const taken = await register({ ...randomUser(), username: username.toUpperCase() })
    expect(refusalOf(taken)).toBe('400 username_taken #/username username_taken')
  })

  it('refuses a weak password for every address alike', async () => {
    const { email } = await givenVerified()
    for (const address of [email, randomUser().email]) {
      const answer = await register({ ...randomUser(), email: address, password: 'password1' })
      expect(refusalOf(answer)).toBe('400 invalid_request #/password password_common')
    }
  })

  it('does not reveal by a login whether the address of a registration has an account', async () => {
    const owner = await givenVerified()
    const outcomes = []
    for (const email of [owner.email, randomUser().email]) {
      const attempt = { ...randomUser(), email, password: 'the password of the attempt' }
      expect((await register(attempt)).status).toBe(201)
      for (const identifier of [attempt.username, email]) {
        for (const password of [attempt.password, 'a wrong password']) {
          outcomes.push(visibleOf(await logIn(server, identifier, password)))
        }
      }
    }
    expect(outcomes.slice(4)).toEqual(outcomes.slice(0, 4))
    expect((await logIn(server, owner.email, owner.password)).status).toBe(200)
  })
})

describe('POST /verify_email, where verification is required', () => {
  it('makes the user that was registered, who can log in then', async () => {
    const credentials = {
      ...randomUser(),
      first_name: 'Ada',
      last_name: 'L',
      phone_number: '+442079460018',
      timezone: 'Europe/Paris',
    }
    await register(credentials)
    const { status, body } = await verify(await givenVerificationToken(server, credentials))
    expect(status).toBe(200)
    expect(keysOf(body)).toEqual(['detail'])
    const login = await logIn(server, credentials.email, credentials.password)
    expect(login.status).toBe(200)
    expect(keysOf(login.body)).toEqual([...pairKeys, 'user'].sort())
    const { username: _username, email: _email, password: _password, ...given } = credentials
    expect(login.body.user).toEqual(
      shownUser(credentials, { ...given, full_name: 'Ada L', display_name: 'Ada L', email_verified: true }),
    )
    const types = (await eventsOf(server, login.body.user)).map(({ type }) => type)
    expect(types).toEqual(['user_registered', 'email_verified', 'login_succeeded'])
  })

  it('spends the token once, even when 50 requests race', async () => {
    const { email, token } = await givenRegistration(server)
    const answers = await times(50, () => verify(token))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    const user = await server.database.db.user.findUniqueOrThrow({ where: { email } })
    expect((await eventsOf(server, user)).map(({ type }) => type)).toEqual(['user_registered', 'email_verified'])
  })

  it('takes a token for 24 hours and no longer', async () => {
    const [early, late] = [await givenRegistration(server), await givenRegistration(server)]
    server.pass('23h')
    expect((await verify(early.token)).status).toBe(200)
    server.pass('2h')
    expect(refusalOf(await verify(late.token))).toBe('400 verification_token_invalid')
    expect(await countUsers(late.email)).toBe(0)
  })

  it('completes the registration that was verified, with its own password; the other one is void', async () => {
    for (const winner of [0, 1]) {
      const { email } = randomUser()
      const attempts = [
        await givenRegistration(server, { email, password: 'the password of the first attempt' }),
        await givenRegistration(server, { email, password: 'the password of the second attempt' }),
      ]
      const [won, lost] = winner === 0 ? attempts : attempts.reverse()
      expect((await verify(won?.token ?? '', won)).status).toBe(200)
      expect(refusalOf(await verify(lost?.token ?? '', lost))).toBe('400 verification_token_invalid')
      const login = await logIn(server, email, won?.password ?? '')
      expect([login.status, login.body.user.username]).toEqual([200, won?.username])
      const loser = await Promise.all(
        [email, won?.username ?? '', lost?.username ?? ''].map((name) => logIn(server, name, lost?.password ?? '')),
      )
      expect(loser.map(refusalOf)).toEqual([
        // The address stands for the newest attempt while that is pending.
        winner === 0 ? '403 email_not_verified' : '401 credentials_invalid',
        '401 credentials_invalid',
        '403 email_not_verified',
      ])
      expect(await countUsers(email)).toBe(1)
    }
  })

  it('does not reveal it to the client that made another registration', async () => {
    const { email } = randomUser()
    const otherUser = { ...randomUser(), email, password: 'the password of another user' }
    await register(otherUser)
    const owner = await givenRegistration(server, { email })
    const attempts = () =>
      Promise.all([email, otherUser.username].map((name) => logIn(server, name, otherUser.password)))
    // The newest attempt is the owner's, so the other one is found by its username only.
    const before = (await attempts()).map(visibleOf)
    expect((await verify(owner.token)).status).toBe(200)
    expect((await attempts()).map(visibleOf)).toEqual(before)
  })

  it('is pending as long as the token that was mailed last is valid', async () => {
    const credentials = await givenRegistration(server)
    server.pass('20h')
    await server.send('POST', '/resend_verification', { body: { email: credentials.email } })
    const token = await givenVerificationToken(server, credentials)
    server.pass('20h')
    expect(refusalOf(await logIn(server, credentials.username, credentials.password))).toBe('403 email_not_verified')
    expect((await verify(token)).status).toBe(200)
  })

  it('answers a verification and new links that are asked for at the same time', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { email, token } = await givenRegistration(server)
      const resend = () => server.send('POST', '/resend_verification', { body: { email } })
      const [verified, ...resent] = await Promise.all([verify(token), ...Array.from({ length: 4 }, resend)])
      expect(resent.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      // A newer link may have been faster and replaced the older.
      if (verified?.status !== 200) expect(verified && refusalOf(verified)).toBe('400 verification_token_invalid')
    }
  })

  it('mails one new link for any number of pending registrations, which says when the newest was made', async () => {
    const { email } = randomUser()
    await givenRegistration(server, { email })
    server.pass('3h')
    const newest = await givenRegistration(server, { email })
    const registeredAt = server.now().toUTCString().slice(0, 22)
    server.pass('2h')
    const before = (await mailsTo(server, email)).length
    await server.send('POST', '/resend_verification', { body: { email } })
    const mails = (await mailsTo(server, email)).slice(before)
    expect(mails.map(({ text }) => text)).toEqual([
      expect.stringContaining(`account was registered with this address on ${registeredAt}`),
    ])
    expect(refusalOf(await verify(newest.token))).toBe('400 verification_token_invalid')
  })

  it('keeps a registration as long for an address with an account as for a free one, so that a later login reveals nothing', async () => {
    const owner = await givenVerified()
    const outcomes = []
    for (const email of [owner.email, randomUser().email]) {
      const attempt = { ...randomUser(), email, password: 'the password of the attempt' }
      await register(attempt)
      server.pass('20h')
      await server.send('POST', '/resend_verification', { body: { email } })
      server.pass('20h')
      outcomes.push(visibleOf(await logIn(server, attempt.username, attempt.password)))
    }
    expect(outcomes[0]).toBe(outcomes[1])
  })

  it('keeps a registration of a sub-address as long, whether the address has an account or not and however many links were mailed', async () => {
    const logins = []
    for (const { email } of [await givenVerified(), randomUser()]) {
      const attempt = { ...randomUser(), email: email.replace('@', '+1@') }
      for (const credentials of [{ ...randomUser(), email }, attempt])
        expect((await register(credentials)).status).toBe(201)
      for (const minute of [1, 2, 3, 4, 5, 6]) {
        server.pass('1m')
        const body = { email: minute === 6 ? attempt.email : email }
        expect((await server.send('POST', '/resend_verification', { body })).status).toBe(200)
      }
      server.pass('23h')
      server.pass('57m')
      logins.push(visibleOf(await logIn(server, attempt.email, attempt.password)))
    }
    expect(logins[1]).toBe(logins[0])
  })

  it('makes one user of two registrations of one address that are verified at once', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { email } = randomUser()
      const attempts = [await givenRegistration(server, { email }), await givenRegistration(server, { email })]
      const answers = await times(2, (index) => verify(attempts[index]?.token ?? ''))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
      expect(answers.filter(({ status }) => status === 400).map(refusalOf)).toEqual(['400 verification_token_invalid'])
      const winner = attempts[answers.findIndex(({ status }) => status === 200)]
      const { body } = await logIn(server, email, randomUser().password)
      expect(body.user.username).toBe(winner?.username)
      expect(await countUsers(email)).toBe(1)
    }
  })

  it('says that the username was taken meanwhile, and does not spend the token', async () => {
    const credentials = await givenRegistration(server)
    const faster = await givenUser(lenient, { username: credentials.username.toUpperCase() })
    expect(refusalOf(await verify(credentials.token))).toBe(
      '400 username_taken_meanwhile #/username username_taken_meanwhile',
    )
    expect(await countUsers(credentials.email)).toBe(0)
    await server.database.db.user.delete({ where: { id: faster.id } })
    expect((await verify(credentials.token)).status).toBe(200)
  })

  it('gives a username with several pending registrations to exactly one of them', async () => {
    const { username } = randomUser()
    const attempts = await times(10, () => givenRegistration(server, { username }))
    const answers = await times(10, (index) => verify(attempts[index]?.token ?? ''))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(refusalOf(answer)).toBe('400 username_taken_meanwhile #/username username_taken_meanwhile')
    }
  })
})

describe('POST /login_credentials, where verification is required', () => {
  it('says with the right password only that a registration is pending', async () => {
    const credentials = await givenRegistration(server)
    for (const path of ['/login_credentials', '/refresh_token']) {
      for (const username of [
        credentials.username,
        credentials.username.toUpperCase(),
        credentials.email,
        credentials.email.toUpperCase(),
      ]) {
        const right = await server.send('POST', path, { body: { username, password: credentials.password } })
        expect(refusalOf(right)).toBe('403 email_not_verified')
        const wrong = await server.send('POST', path, { body: { username, password: 'correct horse batterx' } })
        expect(refusalOf(wrong)).toBe('401 credentials_invalid')
      }
    }
    expect(await countUsers(credentials.email)).toBe(0)
  })

  it('answers a wrong password alike with and without a pending registration', async () => {
    const waiting = await givenRegistration(server)
    const verified = await givenVerified()
    const pending = await givenUser(lenient)
    const answers = []
    for (const { username } of [waiting, verified, pending, randomUser()]) {
      answers.push(visibleOf(await logIn(server, username, 'correct horse batterx')))
    }
    expect(new Set(answers).size).toBe(1)
  })

  it('does the same work for every failure', async () => {
    const [waiting, verified, attempted] = [
      await givenRegistration(server),
      await givenVerified(),
      await givenVerified(),
    ]
    await register({ ...randomUser(), email: attempted.email })
    for (const { email } of [waiting, verified, attempted, randomUser()]) {
      const compared = await comparedDuring(() => logIn(server, email, 'correct horse batterx'))
      const wholeHash = expect.stringMatching(/^\$2b\$04\$[./A-Za-z0-9]{53}$/)
      expect(compared).toEqual([wholeHash, wholeHash])
    }
  })

  it('drops registrations that were pending for more than 24 hours', async () => {
    const credentials = await givenRegistration(server)
    server.pass('25h')
    expect(refusalOf(await logIn(server, credentials.username, credentials.password))).toBe('401 credentials_invalid')
  })

  it('opens no session for a user who registered when verification was optional, until the address is verified', async () => {
    const user = await givenUser(lenient)
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('403 email_not_verified')
    expect(refusalOf(await logIn(server, user.email, user.password))).toBe('403 email_not_verified')
    expect(refusalOf(await logIn(server, user.email, 'correct horse batterx'))).toBe('401 credentials_invalid')
    expect(await server.database.db.session.count({ where: { userId: user.id } })).toBe(1)
    await server.send('POST', '/resend_verification', { body: { email: user.email } })
    expect((await verify(await givenVerificationToken(server, user))).status).toBe(200)
    const { status, body } = await logIn(server, user.username, user.password)
    expect([status, body.user.account_status]).toEqual([200, 'active'])
  })

  it('refuses a disabled user with a pending registration like an unregistered one', async () => {
    const user = await givenUser(lenient)
    await givenDisabled(server, user)
    expect(refusalOf(await logIn(server, user.username, user.password))).toBe('401 credentials_invalid')
  })

  it('accepts a user whose address a reset has verified', async () => {
    const user = await givenUser(lenient)
    const token = await givenResetToken(server, user)
    await server.send('POST', '/reset_password', { body: { token, new_password: 'another good password' } })
    expect((await logIn(server, user.username, 'another good password')).status).toBe(200)
  })
})

describe('GET /profile, where verification is required', () => {
  it('shows nothing to a user whose address is not verified', async () => {
    const user = await givenUser(lenient)
    const show = (on: TestServer) => on.send('GET', '/profile', { token: user.access_token })
    expect(refusalOf(await show(server))).toBe('403 email_not_verified')
    expect((await show(lenient)).body).toMatchObject({ account_status: 'active', email_verified: false })
  })
})
