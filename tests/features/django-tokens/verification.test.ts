import { generateKeyPairSync } from 'node:crypto'
import { djangoKey, djangoToken, givenImportedUser } from '../../support/django-tokens.ts'
import { givenUser } from '../../support/fixtures.ts'
import { encode, signed } from '../../support/forgery.ts'
import type { TestServer } from '../../support/server.ts'
import { startServer, withServer } from '../../support/server.ts'

let server: TestServer
let user: Awaited<ReturnType<typeof givenImportedUser>>
beforeAll(async () => {
  server = await startServer({ DJANGO_SECRET_KEY: djangoKey })
  user = await givenImportedUser(server)
})
afterAll(() => server.close())

type Minting = Parameters<typeof djangoToken>[2]

async function refresh(minting: Minting, settings: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const ask = async (on: TestServer) => {
    const refresh_token = djangoToken(server, user.djangoId, minting)
    const { status, body } = await on.send('POST', '/access_token', { body: { refresh_token } })
    return status === 200 ? 200 : body.code
  }
  if (Object.keys(settings).length === 0) return ask(server)
  let answer: unknown
  await withServer({ ...server.settings, ...settings }, async (other) => {
    answer = await ask(other)
  })
  return answer
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const rs256 = { DJANGO_ALGORITHM: 'RS256', DJANGO_SECRET_KEY: publicKey }

describe('a token of Django is accepted', () => {
  it.each<[string, Minting, Readonly<Record<string, string>>?]>([
    ['as SimpleJWT makes it', {}],
    ['with further claims', { claims: { name: 'Ada', roles: ['x'], sid: 'x', sub: 'x', iss: 'x', aud: ['x'] } }],
    ['with a key id', { header: { kid: 'the first' } }],
    ['without a type in its header', { header: { typ: undefined } }],
    ['by any of several keys', { key: 'an older key' }, { DJANGO_SECRET_KEY: `${djangoKey},an older key` }],
    ['by HS384', { hash: 'sha384', header: { alg: 'HS384' } }, { DJANGO_ALGORITHM: 'HS384' }],
    ['by HS512', { hash: 'sha512', header: { alg: 'HS512' } }, { DJANGO_ALGORITHM: 'HS512' }],
    ['by RS256 and a public key', { key: privateKey, header: { alg: 'RS256' } }, rs256],
    ['from the issuer', { claims: { iss: 'django' } }, { DJANGO_ISSUER: 'django' }],
    ['for one of the audiences', { claims: { aud: 'web' } }, { DJANGO_AUDIENCE: 'app,web' }],
    ['for the audience among others', { claims: { aud: ['x', 'web'] } }, { DJANGO_AUDIENCE: 'web' }],
  ])('%s', async (_name, minting, settings) => {
    expect(await refresh(minting, settings)).toBe(200)
  })

  it('with claims of other names', async () => {
    const claims = {
      token_type: undefined,
      jti: undefined,
      user_id: undefined,
      kind: 'refresh',
      id: 'x',
      who: user.djangoId,
    }
    const names = { DJANGO_TOKEN_TYPE_CLAIM: 'kind', DJANGO_JTI_CLAIM: 'id', DJANGO_USER_ID_CLAIM: 'who' }
    expect(await refresh({ claims }, names)).toBe(200)
    expect(await refresh({ claims })).toBe('token_invalid')
  })
})

describe('a token of Django is refused', () => {
  it.each<[string, Minting, Readonly<Record<string, string>>?]>([
    ['with another key', { key: 'x' }],
    ['that is an access token', { kind: 'access' }],
    ['that is a sliding token', { kind: 'sliding' }],
    ['with another algorithm than the settings name', { hash: 'sha512', header: { alg: 'HS512' } }],
    ['whose header names no algorithm', { header: { alg: 'none' } }],
    ['whose header lies about the algorithm', { header: { alg: 'HS384' } }],
    ['whose header demands what is not understood', { header: { crit: ['b64'], b64: false } }],
    ['with the type of tokens of this server', { header: { typ: 'rt+jwt' } }],
    ['with the public key as if it were a secret', { key: publicKey }, rs256],
    ['from another issuer', { claims: { iss: 'x' } }, { DJANGO_ISSUER: 'django' }],
    ['from no issuer', {}, { DJANGO_ISSUER: 'django' }],
    ['for another audience', { claims: { aud: 'x' } }, { DJANGO_AUDIENCE: 'web' }],
    ['for no audience', {}, { DJANGO_AUDIENCE: 'web' }],
    ['without an id', { claims: { jti: undefined } }],
    ['with an empty id', { claims: { jti: '' } }],
    ['with an id of another type', { claims: { jti: 7 } }],
    ['with an id that no column takes', { claims: { jti: 'a\0b' } }],
    ['with an id that is too long', { claims: { jti: 'x'.repeat(256) } }],
    ['without a user', { claims: { user_id: undefined } }],
    ['with a user of another type', { claims: { user_id: [1] } }],
    ['with a user that no column takes', { claims: { user_id: '\0' } }],
    ['with a user that is a fraction', { claims: { user_id: 1.5 } }],
    ['without an end', { claims: { exp: undefined } }],
    ['with an end that is a text', { claims: { exp: '4102444800' } }],
    ['with an end that is no instant', { claims: { exp: 1e300 } }],
    ['that is not valid yet', { claims: { nbf: 4_102_444_800 } }],
    ['that was issued in the future', { claims: { iat: 4_102_444_800 } }],
    ['with an instant of issue that is a text', { claims: { iat: 'x' } }],
  ])('%s', async (_name, minting, settings) => {
    expect(await refresh(minting, settings)).toBe('token_invalid')
  })

  it('whose signature is missing or cut', async () => {
    const token = djangoToken(server, user.djangoId)
    const [header, claims] = token.split('.')
    for (const refresh_token of [`${header}.${claims}.`, `${header}.${claims}`, token.slice(0, -2), `${token}.x`]) {
      const { body } = await server.send('POST', '/access_token', { body: { refresh_token } })
      expect(body.code).toBe('token_invalid')
    }
  })
})

describe('a token of this server', () => {
  const key = 'one key for Django and for access tokens of this server'
  const shared = { DJANGO_SECRET_KEY: key, ACCESS_TOKEN_KEY: key, DJANGO_ACCESS_TOKENS: 'on' }

  it('is never one of Django, though Django has its key', async () => {
    await withServer(shared, async (own) => {
      const { access_token, refresh_token, id } = await givenUser(own)
      await givenImportedUser(own, String(id))
      const tokens = () => own.database.db.djangoToken.count()
      expect((await own.send('POST', '/access_token', { body: { refresh_token: access_token } })).status).toBe(401)
      await own.send('POST', '/logout', { body: { refresh_token } })
      for (const token of [access_token, refresh_token]) {
        expect((await own.send('GET', '/session', { token })).status).toBe(401)
        expect((await own.send('POST', '/access_token', { body: { refresh_token: token } })).status).toBe(401)
      }
      expect(await tokens()).toBe(0)
    })
  })

  it('is none of Django either where its issuer is another by now', async () => {
    await withServer({ ...shared, JWT_ISSUER: 'https://old.example.com' }, async (old) => {
      const { access_token: token, id } = await givenUser(old)
      await givenImportedUser(old, String(id))
      await withServer({ ...old.settings, JWT_ISSUER: 'https://new.example.com' }, async (own) => {
        expect((await own.send('GET', '/session', { token })).body.code).toBe('token_invalid')
        // With the header of Django its id still tells whose it is.
        const [, claims = ''] = token.split('.')
        const disguised = signed(`${encode({ alg: 'HS256', typ: 'JWT' })}.${claims}`, key)
        expect((await own.send('GET', '/session', { token: disguised })).body.code).toBe('token_invalid')
      })
    })
  })

  it('is not what a token of Django passes for', async () => {
    await withServer(shared, async (own) => {
      const imported = await givenImportedUser(own)
      const names = { iss: own.settings.PUBLIC_URL ?? 'http://localhost:3000', aud: 'http://localhost:3000' }
      const claims = { ...names, sub: imported.uuid, sid: imported.uuid }
      const access = djangoToken(own, imported.djangoId, { kind: 'access', key, claims })
      expect((await own.send('POST', '/tokens', { token: access })).body.code).toBe('token_invalid')
      expect((await own.send('GET', '/tokens', { token: access })).body.code).toBe('token_invalid')
    })
  })
})
