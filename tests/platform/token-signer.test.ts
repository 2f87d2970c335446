import { createHmac, generateKeyPairSync, hkdfSync, sign as signWithKey } from 'node:crypto'
import jwt from 'jsonwebtoken'
import type { TokenClaims, TokenKind } from '../../src/kernel/ports.ts'
import { createJwtSigner } from '../../src/platform/token-signer.ts'
import { refusalOf } from '../support/answers.ts'
import { givenSession, givenUser } from '../support/fixtures.ts'
import { accessTokenKeyOf } from '../support/forgery.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'

const keys = ['the-first-key-of-this-test-0123456789', 'the-second-key-of-this-test-0123456789'] as const
const secrets = ['the-first-secret-of-this-test-0123456789', 'the-second-secret-of-this-test-0123456789'] as const
const issuer = 'https://auth.example.com'
const audience = 'https://api.example.com'
const now = 1_800_000_000
const longestLifetime = { access: 900, refresh: 604_800 }
const clock = { now: () => new Date(now * 1000) }

const signer = createJwtSigner({
  accessTokenKeys: keys,
  secretKeys: secrets,
  issuers: [issuer],
  audiences: [audience],
  longestLifetime,
  clock,
})

const sid = '3f0a6c1e-2b4d-4e8f-9a10-5c6d7e8f9a0b'
const claims: TokenClaims = {
  sub: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  user_id: 42,
  sid,
  generation: 3,
  iat: now - 60,
  exp: now + 840,
}

/** The refresh key as RFC 5869 derives it, without the product's help. */
const refreshKey = (secret: string) => Buffer.from(hkdfSync('sha256', secret, '', 'auth-server refresh token', 32))

const accessHeader = { alg: 'HS256', typ: 'at+jwt' }
const accessPayload = {
  iss: issuer,
  aud: audience,
  sub: claims.sub,
  user_id: 42,
  sid,
  jti: `${sid}.3.${claims.iat}.access`,
  token_type: 'access',
  iat: claims.iat,
  exp: claims.exp,
}
const refreshPayload = { ...accessPayload, jti: `${sid}.3.${claims.iat}.refresh`, token_type: 'refresh' }

type Part = object | string

const encode = (part: Part) => Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/** A token made by hand. A part given as text is taken as it is. */
function forge(header: Part, payload: Part, key: string | Buffer = keys[0], hash = 'sha256'): string {
  const content = `${encode(header)}.${encode(payload)}`
  return `${content}.${createHmac(hash, key).update(content).digest('base64url')}`
}

/** The payload with one claim replaced, as JSON text, so that it may hold numbers that JavaScript would not write. */
function withClaim(name: string, json: string): string {
  return JSON.stringify({ ...accessPayload, [name]: '@' }).replace('"@"', json)
}

function without(name: keyof typeof accessPayload): object {
  const { [name]: _left, ...rest } = accessPayload
  return rest
}

function signedWithRsa(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const content = `${encode({ ...accessHeader, alg: 'RS256' })}.${encode(accessPayload)}`
  return `${content}.${signWithKey('sha256', Buffer.from(content), privateKey).toString('base64url')}`
}

function unsigned(alg: string): string {
  return `${encode({ ...accessHeader, alg })}.${encode(accessPayload)}.`
}

const good = forge(accessHeader, accessPayload)
const [goodHead = '', goodBody = '', goodSignature = ''] = good.split('.')

describe('the JWT signer', () => {
  it('accepts a handmade token that keeps the rules, so that each refusal below has only the cause in its title', () => {
    expect(signer.verify('access', good)).toEqual({ state: 'valid', claims })
    expect(
      signer.verify('refresh', forge({ alg: 'HS256', typ: 'rt+jwt' }, refreshPayload, refreshKey(secrets[0]))),
    ).toEqual({
      state: 'valid',
      claims,
    })
    expect(signer.verify('access', forge(accessHeader, withClaim('user_id', '42')))).toEqual({ state: 'valid', claims })
  })

  it.each(['access', 'refresh'] as const)('reads the %s tokens that it signs', (kind) => {
    expect(signer.verify(kind, signer.sign(kind, claims))).toEqual({ state: 'valid', claims })
  })

  it('signs the same claims to the same bytes, and other claims to others', () => {
    for (const kind of ['access', 'refresh'] as const) {
      expect(signer.sign(kind, { ...claims })).toBe(signer.sign(kind, claims))
      expect(signer.sign(kind, { ...claims, generation: 4 })).not.toBe(signer.sign(kind, claims))
    }
    expect(signer.sign('access', claims)).toBe(good)
  })

  it('verifies with every key of the list and signs with the first', () => {
    expect(signer.verify('access', forge(accessHeader, accessPayload, keys[1]))).toEqual({ state: 'valid', claims })
    const refresh = forge({ alg: 'HS256', typ: 'rt+jwt' }, refreshPayload, refreshKey(secrets[1]))
    expect(signer.verify('refresh', refresh)).toEqual({ state: 'valid', claims })
    expect(signer.sign('access', claims)).toBe(forge(accessHeader, accessPayload, keys[0]))
  })

  it.each([
    ['issued now', now, now + 900],
    ['issued 60 seconds ahead of our clock', now + 60, now + 600],
    ['of the longest lifetime', now, now + 900],
    ['good for another second', now - 600, now + 1],
  ])('accepts a token that was %s', (_name, iat, exp) => {
    expect(signer.verify('access', forge(accessHeader, { ...accessPayload, iat, exp })).state).toBe('valid')
  })

  it.each([0, 1, 86_400, now - 901])('reports a token that ended %i seconds ago as expired, with its claims', (ago) => {
    const [iat, exp] = [now - ago - 900, now - ago]
    expect(signer.verify('access', forge(accessHeader, { ...accessPayload, iat, exp }))).toEqual({
      state: 'expired',
      claims: { ...claims, iat, exp },
    })
  })

  it.each<[string, string]>([
    ...['none', 'None', 'NONE', 'nOnE', ''].map((alg): [string, string] => [
      `algorithm ${JSON.stringify(alg)}`,
      unsigned(alg),
    ]),
    ['algorithm none with a signature', forge({ ...accessHeader, alg: 'none' }, accessPayload)],
    ['algorithm HS384', forge({ ...accessHeader, alg: 'HS384' }, accessPayload, keys[0], 'sha384')],
    ['algorithm HS512', forge({ ...accessHeader, alg: 'HS512' }, accessPayload, keys[0], 'sha512')],
    ['HS384 under the name of HS256', forge(accessHeader, accessPayload, keys[0], 'sha384')],
    ['HS256 under the name of HS384', forge({ ...accessHeader, alg: 'HS384' }, accessPayload)],
    ['HS256 in lower case', forge({ ...accessHeader, alg: 'hs256' }, accessPayload)],
    ['algorithm RS256', signedWithRsa()],
    ['RS256 in the header of an HMAC', forge({ ...accessHeader, alg: 'RS256' }, accessPayload)],
    ['no algorithm', forge({ typ: 'at+jwt' }, accessPayload)],
    ['an algorithm that is no text', forge({ ...accessHeader, alg: ['HS256'] }, accessPayload)],
  ])('refuses %s', (_name, token) => {
    expect(signer.verify('access', token)).toEqual({ state: 'invalid' })
  })

  it.each<[string, Part]>([
    ['the plain typ', { ...accessHeader, typ: 'JWT' }],
    ['the typ of the other kind', { ...accessHeader, typ: 'rt+jwt' }],
    ['a typ in capitals', { ...accessHeader, typ: 'AT+JWT' }],
    ['the long form of the typ', { ...accessHeader, typ: 'application/at+jwt' }],
    ['a typ that is no text', { ...accessHeader, typ: ['at+jwt'] }],
    ['no typ', { alg: 'HS256' }],
    ['no typ but another member', { alg: 'HS256', cty: 'at+jwt' }],
    ['a kid', { ...accessHeader, kid: '1' }],
    ['a kid that is a path', { ...accessHeader, kid: '../../../dev/null' }],
    ['crit', { ...accessHeader, crit: ['exp'], exp: now }],
    ['an empty crit', { ...accessHeader, crit: [] }],
    ['jku', { ...accessHeader, jku: 'https://evil.example/keys' }],
    ['jwk', { ...accessHeader, jwk: { kty: 'oct', k: encode(keys[0]) } }],
    ['x5u', { ...accessHeader, x5u: 'https://evil.example/cert' }],
    ['b64', { ...accessHeader, b64: false }],
    ['cty', { ...accessHeader, cty: 'JWT' }],
    ['any other member', { ...accessHeader, anything: null }],
    ['a member named __proto__', '{"alg":"HS256","typ":"at+jwt","__proto__":{}}'],
    ['a list', '["HS256","at+jwt"]'],
    ['null', 'null'],
    ['no JSON', 'HS256'],
  ])('refuses a header with %s, however well signed', (_name, header) => {
    expect(signer.verify('access', forge(header, accessPayload))).toEqual({ state: 'invalid' })
  })

  it.each<[string, string]>([
    ...(['iat', 'exp'] as const).flatMap((name): [string, string][] => {
      const instant = accessPayload[name]
      const bad = [
        `${instant}.5`,
        '1e999',
        '-1e999',
        '-1',
        `"${instant}"`,
        'null',
        'true',
        '[]',
        `[${instant}]`,
        '{}',
        '1e300',
      ]
      return [
        ...bad.map((json): [string, string] => [`${name} ${json}`, withClaim(name, json)]),
        [`no ${name}`, JSON.stringify(without(name))],
      ]
    }),
    ['the year 2100 for exp', withClaim('exp', '4102444800')],
    ['exp before iat', withClaim('exp', String(accessPayload.iat - 1))],
    ['exp at iat', withClaim('exp', String(accessPayload.iat))],
    ['a second more than the longest lifetime', JSON.stringify({ ...accessPayload, iat: now, exp: now + 901 })],
    ['iat 0, to live from 1970', withClaim('iat', '0')],
    ['iat 61 seconds ahead', JSON.stringify({ ...accessPayload, iat: now + 61, exp: now + 600 })],
    ['iat in milliseconds', JSON.stringify({ ...accessPayload, iat: now * 1000, exp: now * 1000 + 900 })],
    ...(['iss', 'aud'] as const).flatMap((name): [string, string][] => {
      const own = accessPayload[name]
      const others = [`${own}/`, own.toUpperCase(), '', own.slice(0, -1)].map((value) => JSON.stringify(value))
      const odd = [`["${own}"]`, `["${own}","https://other.example"]`, '[]', 'null', '1', '{}']
      return [...others, ...odd].map((json): [string, string] => [`${name} ${json}`, withClaim(name, json)])
    }),
    ['iss and aud exchanged', JSON.stringify({ ...accessPayload, iss: audience, aud: issuer })],
    ...(['iss', 'aud', 'sub', 'user_id', 'sid', 'jti', 'token_type'] as const).map((name): [string, string] => [
      `no ${name}`,
      JSON.stringify(without(name)),
    ]),
    ...['"42"', '0', '-1', '42.5', '1e999', 'null', '[42]', 'true'].map((json): [string, string] => [
      `user_id ${json}`,
      withClaim('user_id', json),
    ]),
    ...['sub', 'sid'].flatMap((name) =>
      ['""', '"42"', '1', 'null', '{}', '{"not":""}'].map((json): [string, string] => [
        `${name} ${json}`,
        withClaim(name, json),
      ]),
    ),
    ...[
      '""',
      `"${sid}"`,
      `"${sid}.-1.1.access"`,
      `"${sid}.1e9.1.access"`,
      `"${sid}.1.5.1.access"`,
      `"${sid}.9999999999.1.access"`,
      `" ${sid}.3.1.access"`,
      `"${sid}.3.access"`,
      '3',
      'null',
    ].map((json): [string, string] => [`jti ${json}`, withClaim('jti', json)]),
    ...['"refresh"', '"Access"', '"id"', 'null', '["access"]'].map((json): [string, string] => [
      `token_type ${json}`,
      withClaim('token_type', json),
    ]),
    ['nbf', JSON.stringify({ ...accessPayload, nbf: now - 60 })],
    ['any other claim', JSON.stringify({ ...accessPayload, scope: 'admin' })],
    ['a claim named __proto__', `${JSON.stringify(accessPayload).slice(0, -1)},"__proto__":{"user_id":1}}`],
    ['a list', '[]'],
    ['text', '"text"'],
    ['null', 'null'],
    ['no JSON', 'claims'],
    ['nothing', ''],
  ])('refuses a payload with %s, however well signed', (_name, payload) => {
    expect(signer.verify('access', forge(accessHeader, payload))).toEqual({ state: 'invalid' })
  })

  it.each<[string, string, TokenKind]>([
    ['another key', forge(accessHeader, accessPayload, 'a-key-that-is-not-in-the-list-0123456789'), 'access'],
    ['an empty key', forge(accessHeader, accessPayload, ''), 'access'],
    ['the key of refresh tokens', forge(accessHeader, accessPayload, refreshKey(secrets[0])), 'access'],
    ['the key of access tokens', forge({ alg: 'HS256', typ: 'rt+jwt' }, refreshPayload), 'refresh'],
  ])('refuses a token signed with %s', (_name, token, kind) => {
    expect(signer.verify(kind, token)).toEqual({ state: 'invalid' })
  })

  it('accepts no token as one of the other kind, even if they differ in one word only', () => {
    expect(signer.verify('refresh', signer.sign('access', claims))).toEqual({ state: 'invalid' })
    expect(signer.verify('access', signer.sign('refresh', claims))).toEqual({ state: 'invalid' })
    const key = refreshKey(secrets[0])
    expect(signer.verify('refresh', forge(accessHeader, refreshPayload, key))).toEqual({ state: 'invalid' })
    expect(signer.verify('refresh', forge({ alg: 'HS256', typ: 'rt+jwt' }, accessPayload, key))).toEqual({
      state: 'invalid',
    })
    const { jti } = accessPayload
    const otherJti = forge({ alg: 'HS256', typ: 'rt+jwt' }, { ...refreshPayload, jti }, key)
    expect(signer.verify('refresh', otherJti)).toEqual({ state: 'invalid' })
  })

  it.each<[string, string]>([
    ['an empty text', ''],
    ['one segment', goodHead],
    ['two segments', `${goodHead}.${goodBody}`],
    ['four segments', `${good}.${goodSignature}`],
    ['an empty header', `.${goodBody}.${goodSignature}`],
    ['an empty payload', `${goodHead}..${goodSignature}`],
    ['an empty signature', `${goodHead}.${goodBody}.`],
    ['nothing but dots', '..'],
    ['padding', `${good}=`],
    ['a space before', ` ${good}`],
    ['a space after', `${good} `],
    ['a line break after', `${good}\n`],
    ['a NUL after', `${good}\u0000`],
    ['a space between', good.replace('.', '. ')],
    ['the alphabet of plain base64', good.replace('.', '.+/')],
    ['a shortened signature', good.slice(0, -1)],
    ['a lengthened signature', `${good}A`],
    ['another signature', `${goodHead}.${goodBody}.${'A'.repeat(43)}`],
    ['a changed payload', `${goodHead}.${encode({ ...accessPayload, user_id: 1 })}.${goodSignature}`],
    ['10 kB', forge(accessHeader, { ...accessPayload, sub: 'x'.repeat(10_240) })],
    ['10 kB of dots', '.'.repeat(10_240)],
  ])('refuses a token of %s', (_name, token) => {
    expect(signer.verify('access', token)).toEqual({ state: 'invalid' })
  })

  // The last character of 32 bytes in base64url has two unused bits: three other characters decode to the same bytes.
  it('accepts one spelling of a token only', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(good.at(-1) ?? '')
    const others = [1, 2, 3].map((bits) => good.slice(0, -1) + alphabet[(last & ~3) | ((last + bits) & 3)])
    expect(new Set(others).size).toBe(3)
    for (const other of others) expect(signer.verify('access', other)).toEqual({ state: 'invalid' })
  })
})

describe('SECRET_KEY', () => {
  const [k1, k2] = ['k1-'.padEnd(40, 'abcdefghij'), 'k2-'.padEnd(40, 'klmnopqrst')] as const
  let before: TestServer
  let during: TestServer
  let after: TestServer
  beforeAll(async () => {
    before = await startServer({ SECRET_KEY: k1 })
    const { DATABASE_URL = '' } = before.settings
    during = await startServer({ DATABASE_URL, SECRET_KEY: `${k2},${k1}` })
    after = await startServer({ DATABASE_URL, SECRET_KEY: k2 })
  })
  afterAll(async () => {
    await Promise.all([before, during, after].map((server) => server.close()))
  })

  const session = (server: TestServer, token: string) => server.send('GET', '/session', { token })
  const refresh = (server: TestServer, refresh_token: string) =>
    server.send('POST', '/access_token', { body: { refresh_token } })

  it('can be replaced without ending sessions: the old key verifies while the new one signs', async () => {
    const user = await givenUser(before)
    expect((await session(during, user.access_token)).status).toBe(200)
    const { status, body } = await refresh(during, user.refresh_token)
    expect(status).toBe(200)
    expect(() =>
      jwt.verify(body.access_token, accessTokenKeyOf({ SECRET_KEY: k2 }), { algorithms: ['HS256'] }),
    ).not.toThrow()
    expect((await session(after, body.access_token)).status).toBe(200)
    expect((await refresh(after, body.refresh_token)).status).toBe(200)
  })

  it('refuses tokens of a key that is no longer in the list', async () => {
    const user = await givenUser(before)
    expect(refusalOf(await session(after, user.access_token))).toBe('401 token_invalid')
    expect(refusalOf(await refresh(after, user.refresh_token))).toBe('401 token_invalid')
    expect(refusalOf(await session(before, (await givenSession(after, user)).access_token))).toBe('401 token_invalid')
  })
})
