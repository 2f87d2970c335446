import { createHmac, randomBytes } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { createCipher } from '../src/kernel/secrets.ts'
import { refusalOf } from './support/answers.ts'
import { targets } from './support/endpoints.ts'
import { exchange } from './support/exchange.ts'
import type { User } from './support/fixtures.ts'
import { givenUser, logIn } from './support/fixtures.ts'
import { accessTokenKeyOf, derivedKey, encode, forge, signed, takeApart } from './support/forgery.ts'
import type { TestServer } from './support/server.ts'
import { startServer, withServer } from './support/server.ts'

const [given, older, other] = [0, 1, 2].map(() => randomBytes(32).toString('base64url')) as [string, string, string]

let byDefault: TestServer
let withOwn: TestServer
beforeAll(async () => {
  byDefault = await startServer()
  withOwn = await startServer({ ...byDefault.settings, ACCESS_TOKEN_KEY: `${given}, ${older}` })
})
afterAll(() => Promise.all([withOwn.close(), byDefault.close()]))

const session = (server: TestServer, token: string) => server.send('GET', '/session', { token })

/** The user's token of that kind with its claims as they are, signed with another key. */
function resign(token: string, key: Buffer | string): string {
  return signed(token.split('.').slice(0, 2).join('.'), key)
}

/** The servers, and the key for access tokens that the operator of each gives away. */
const shared = [
  ['derived from SECRET_KEY', () => byDefault, () => accessTokenKeyOf(byDefault.settings)],
  ['given as ACCESS_TOKEN_KEY', () => withOwn, () => given],
] as const

describe.each(shared)('the key for access tokens, %s', (_origin, serverOf, keyOf) => {
  let server: TestServer
  let key: string
  let user: User
  beforeAll(() => {
    server = serverOf()
    key = keyOf()
  })
  beforeEach(async () => {
    user = await givenUser(server)
  })

  /** Every key that another service could derive from the shared key: the key itself, and those for the labels of this server. */
  const guesses = (purpose: string) => [key, Buffer.from(key), derivedKey(key, purpose), Buffer.from(key, 'base64url')]

  it('verifies access tokens, and no refresh token', async () => {
    expect(jwt.verify(user.access_token, key, { algorithms: ['HS256'] })).toMatchObject({ user_id: user.id })
    expect(() => jwt.verify(user.refresh_token, key, { algorithms: ['HS256'] })).toThrow('invalid signature')
    expect((await session(server, resign(user.access_token, key))).status).toBe(200)
  })

  it('makes no refresh token, at any endpoint that takes one', async () => {
    const takers = targets.flatMap(({ path, method, word }) => {
      const field = word('refresh_token')
      return field === undefined ? [] : [{ path, method, field }]
    })
    expect(takers.length).toBeGreaterThan(6)
    const forgeries = guesses('refresh token').map((guess) => resign(user.refresh_token, guess))
    for (const { path, method, field } of takers) {
      for (const refresh of forgeries) {
        const { status } = await exchange(server.url, path, {
          method,
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ [field]: refresh }),
        })
        expect([path, status]).toEqual([path, 401])
      }
    }
    for (const token of forgeries) {
      const { body } = await server.send('POST', '/verify_token', { body: { token } })
      expect(body).toEqual({ active: false })
    }
    expect((await session(server, user.access_token)).status).toBe(200)
  })

  it('makes no trusted device', async () => {
    for (let failures = 0; failures < 6; failures += 1) await logIn(server, user.username, 'correct horse batterx')
    const exp = Math.floor(server.now().getTime() / 1000) + 1000
    const body = `${user.id}.1.${randomBytes(16).toString('base64url')}.${exp}`
    for (const guess of guesses('trusted device')) {
      const mac = createHmac('sha256', guess).update(body).digest('base64url')
      const answer = await server.send('POST', '/login_credentials', {
        body: { username: user.username, password: user.password },
        headers: { 'Sec-Fetch-Site': 'same-origin', Cookie: `device=${body}.${mac}` },
      })
      expect(refusalOf(answer)).toBe('401 credentials_invalid')
    }
  })

  it('opens no mail in the outbox', async () => {
    const { encryptedValues } = await server.database.db.outboxMail.findFirstOrThrow({
      where: { recipient: user.email },
    })
    if (encryptedValues === null) throw new Error('the mail is not in the outbox')
    const ours = derivedKey(server.settings.SECRET_KEY, 'outbox')
    expect(JSON.parse(createCipher([ours]).decrypt(encryptedValues))).toMatchObject({ link: expect.any(String) })
    for (const guess of guesses('outbox').map((text) => Buffer.from(text))) {
      if (guess.length === 32)
        expect(() => createCipher([guess]).decrypt(encryptedValues)).toThrow(/none of the secret keys/)
    }
  })

  it('does not recover a name from the throttle keys', async () => {
    const name = `nobody-${randomBytes(6).toString('hex')}`
    await logIn(server, name, 'correct horse batterx')
    const digest = (key: Buffer | string) => `name:${createHmac('sha256', key).update(name).digest('base64url')}`
    const throttleKeys = (await server.database.db.passwordAttempts.findMany()).map(({ throttleKey }) => throttleKey)
    expect(throttleKeys).toContain(digest(derivedKey(server.settings.SECRET_KEY, 'password attempts')))
    for (const guess of guesses('password attempts')) expect(throttleKeys).not.toContain(digest(guess))
  })
})

describe('SECRET_KEY', () => {
  it('signs no access token by itself, whether there is an ACCESS_TOKEN_KEY or not', async () => {
    for (const server of [byDefault, withOwn]) {
      const { access_token } = await givenUser(server)
      const forged = resign(access_token, server.settings.SECRET_KEY ?? '')
      expect(refusalOf(await session(server, forged))).toBe('401 token_invalid')
    }
  })
})

describe('ACCESS_TOKEN_KEY', () => {
  it('is a list: the first signs, all verify, and no other does', async () => {
    const { access_token } = await givenUser(withOwn)
    expect(resign(access_token, given)).toBe(access_token)
    expect((await session(withOwn, resign(access_token, older))).status).toBe(200)
    for (const key of [other, accessTokenKeyOf(withOwn.settings)]) {
      expect(refusalOf(await session(withOwn, resign(access_token, key)))).toBe('401 token_invalid')
    }
  })

  it('can be set and replaced without ending sessions: refresh tokens stay valid', async () => {
    const user = await givenUser(byDefault)
    expect(refusalOf(await session(withOwn, user.access_token))).toBe('401 token_invalid')
    const { status, body } = await withOwn.send('POST', '/access_token', {
      body: { refresh_token: user.refresh_token },
    })
    expect(status).toBe(200)
    expect((await session(withOwn, body.access_token)).status).toBe(200)
  })

  it('may be the key derived from SECRET_KEY, so that SECRET_KEY can be replaced without telling other services', async () => {
    const derived = accessTokenKeyOf(byDefault.settings)
    const user = await givenUser(byDefault)
    await withServer({ ...byDefault.settings, SECRET_KEY: other, ACCESS_TOKEN_KEY: derived }, async (replaced) => {
      expect((await session(replaced, user.access_token)).status).toBe(200)
    })
  })

  // A `kid` is reserved for future public keys and names no current key.
  it('is not selected by a kid', async () => {
    const user = await givenUser(withOwn)
    const parts = takeApart('access', user.access_token, withOwn)
    for (const kid of ['', '0', 'access', given]) {
      const token = signed(`${encode({ ...parts.header, kid })}.${encode(parts.claims)}`, given)
      expect(refusalOf(await session(withOwn, token))).toBe('401 token_invalid')
    }
    expect((await session(withOwn, forge({ ...parts, key: Buffer.from(given) }, {}))).status).toBe(200)
  })
})
