import { refusalOf } from './support/answers.ts'
import type { User } from './support/fixtures.ts'
import { givenUser, givenVerifiedUser } from './support/fixtures.ts'
import { forge, takeApart, withMember } from './support/forgery.ts'
import type { TestServer } from './support/server.ts'
import { startServer } from './support/server.ts'

const [oldAddress, newAddress] = ['https://old.example.com', 'https://new.example.com/auth'] as const

let before: TestServer
let during: TestServer
let moved: TestServer
let forgetful: TestServer
beforeAll(async () => {
  before = await startServer({ PUBLIC_URL: oldAddress })
  const restart = (settings: Readonly<Record<string, string>>) => startServer({ ...before.settings, ...settings })
  const lists = (names: string) => ({ JWT_ISSUER: names, JWT_AUDIENCE: names })
  during = await restart(lists(`${oldAddress}, ${newAddress}`))
  moved = await restart({ PUBLIC_URL: newAddress, ...lists(`${newAddress},${oldAddress}`) })
  forgetful = await restart({ PUBLIC_URL: newAddress })
})
afterAll(() => Promise.all([before, during, moved, forgetful].map((server) => server.close())))

const session = (server: TestServer, token: string) => server.send('GET', '/session', { token })
const refresh = (server: TestServer, refresh_token: string) =>
  server.send('POST', '/access_token', { body: { refresh_token } })
const namesIn = (token: string) => {
  const { iss, aud } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return [iss, aud]
}

describe('a server with a new PUBLIC_URL', () => {
  it('ends every session unless the earlier names are listed', async () => {
    const user = await givenUser(before)
    expect(refusalOf(await session(forgetful, user.access_token))).toBe('401 token_invalid')
    expect(refusalOf(await refresh(forgetful, user.refresh_token))).toBe('401 token_invalid')
  })

  it.each([
    ['before it moves', () => [before, during]],
    ['once it has moved', () => [before, moved]],
    ['with a token of an instance that has moved already', () => [moved, during]],
    ['with one of an instance that has not', () => [during, moved]],
  ])('keep all sessions where the earlier names are listed, %s', async (_when, pair) => {
    const [from, to] = pair() as [TestServer, TestServer]
    const user = await givenUser(from)
    expect((await session(to, user.access_token)).status).toBe(200)
    const introspected = await to.send('POST', '/verify_token', { body: { token: user.access_token } })
    expect(introspected.body).toMatchObject({ active: true })
    expect((await to.send('POST', '/verify_token', { body: { token: user.refresh_token } })).body).toMatchObject({
      active: true,
    })
    const { status, body } = await refresh(to, user.refresh_token)
    expect(status).toBe(200)
    expect((await session(to, body.access_token)).status).toBe(200)
    expect((await to.send('GET', '/tokens', { token: body.access_token })).status).toBe(200)
  })

  it.each([
    ['//api/auth/profile/', '//api/auth/token/refresh/'],
    ['//api/protected/', '//api/refresh/'],
    ['//api/v1/drf/auth/me/', '//api/v1/drf/auth/token/refresh/'],
  ])('keep all sessions at %s and %s', async (read, renew) => {
    const user = await givenVerifiedUser(before)
    expect((await moved.send('GET', read, { token: user.access_token })).status).toBe(200)
    expect(
      (await moved.send('POST', renew, { body: { refresh: user.refresh_token, refresh_token: user.refresh_token } }))
        .status,
    ).toBe(200)
  })

  it('accepts tokens through contracts that verify them', async () => {
    const { access_token: token } = await givenVerifiedUser(before)
    expect((await moved.send('POST', '//api/auth/token/verify/', { body: { token } })).status).toBe(200)
    expect((await forgetful.send('POST', '//api/auth/token/verify/', { body: { token } })).status).toBe(401)
  })

  it('writes the first name of each list only', async () => {
    const user = await givenUser(before)
    expect(namesIn(user.access_token)).toEqual([oldAddress, oldAddress])
    const { body } = await refresh(moved, user.refresh_token)
    for (const token of [body.access_token, body.refresh_token])
      expect(namesIn(token)).toEqual([newAddress, newAddress])
    expect(namesIn((await givenUser(during)).access_token)).toEqual([oldAddress, oldAddress])
  })
})

describe('an address of the lists', () => {
  let user: User
  beforeAll(async () => {
    user = await givenUser(moved)
  })

  it.each(['iss', 'aud'] as const)(
    'must match the %s of a token exactly, even with a valid signature',
    async (name) => {
      const refused = [
        `["${newAddress}"]`,
        `["${newAddress}","${oldAddress}"]`,
        `"${newAddress},${oldAddress}"`,
        `"${newAddress} ${oldAddress}"`,
        `"${oldAddress}/"`,
        `"${oldAddress.slice(0, -1)}"`,
        '"https://other.example.com"',
        '"0"',
        '0',
        '""',
        'null',
        '{}',
      ]
      for (const kind of ['access', 'refresh'] as const) {
        const parts = takeApart(kind, user[`${kind}_token`], moved)
        const withName = (json: string) => forge(parts, { claims: withMember(parts.claims, name, json) })
        for (const json of refused) {
          const { body } = await moved.send('POST', '/verify_token', { body: { token: withName(json) } })
          expect([kind, json, body]).toEqual([kind, json, { active: false }])
        }
        const { body } = await moved.send('POST', '/verify_token', { body: { token: withName(`"${oldAddress}"`) } })
        expect(body).toMatchObject({ active: true })
      }
      expect((await session(moved, user.access_token)).status).toBe(200)
    },
  )
})
