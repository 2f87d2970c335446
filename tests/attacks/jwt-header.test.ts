import { generateKeyPairSync, sign as signWithKey } from 'node:crypto'
import type { TokenParts } from '../support/forgery.ts'
import { content, encode, forge, segmentsOf, signed, withMember, without } from '../support/forgery.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import type { Row, TokenTarget } from '../support/token-target.ts'
import { bothKinds, createTokenTarget } from '../support/token-target.ts'

let server: TestServer
let target: TokenTarget
beforeAll(async () => {
  server = await startServer()
  target = await createTokenTarget(server)
})
afterAll(() => server.close())

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')
const pems = (['spki', 'pkcs1'] as const).map((type) => String(rsa.publicKey.export({ type, format: 'pem' })))

const algorithms: readonly Row[] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].flatMap((alg): Row[] => [
    [`the algorithm "${alg}" and no signature`, (parts) => `${content(parts, { alg })}.`],
    [`the algorithm "${alg}" and a signature`, (parts) => signed(content(parts, { alg }), parts.key)],
    [
      `the algorithm "${alg}" and the genuine signature`,
      (parts) => `${content(parts, { alg })}.${segmentsOf(parts)[2]}`,
    ],
    [`the algorithm "${alg}" and an HMAC without a key`, (parts) => signed(content(parts, { alg }), '')],
  ]),
  ['no algorithm', (parts) => forge(parts, { header: without(parts.header, 'alg') })],
  ['no algorithm and no signature', (parts) => `${encode(without(parts.header, 'alg'))}.${encode(parts.claims)}.`],
  ...['null', '256', 'true', '{}', '["HS256"]', '["none","HS256"]', '{"name":"HS256"}'].map(
    (json): Row => [
      `the algorithm ${json}`,
      (parts) => forge(parts, { header: withMember(parts.header, 'alg', json) }),
    ],
  ),
  ...['hs256', 'HS256 ', ' HS256', 'HS-256', 'HMAC', 'SHA256', 'HS256\u0000', 'constructor', '__proto__'].map(
    (alg): Row => [`the algorithm ${JSON.stringify(alg)}`, (parts) => signed(content(parts, { alg }), parts.key)],
  ),
  ...(['HS384', 'HS512', 'HS1', 'HS224'] as const).flatMap((alg): Row[] => {
    const hash = alg.replace('HS', 'sha')
    return [
      [`${alg}, well signed`, (parts) => signed(content(parts, { alg }), parts.key, hash)],
      [`${alg} under the name of HS256`, (parts) => signed(content(parts, {}), parts.key, hash)],
      [`HS256 under the name of ${alg}`, (parts) => signed(content(parts, { alg }), parts.key)],
    ]
  }),
  ['RS256 with a fresh key', (parts) => signedByKey(content(parts, { alg: 'RS256' }), rsa.privateKey)],
  ['ES256 with a fresh key', (parts) => signedByKey(content(parts, { alg: 'ES256' }), ec.privateKey)],
  ['EdDSA with a fresh key', (parts) => signedByKey(content(parts, { alg: 'EdDSA' }), ed25519.privateKey)],
  ['RS256 under the name of HS256', (parts) => signedByKey(content(parts, {}), rsa.privateKey)],
  ...['RS256', 'PS256', 'ES256', 'EdDSA'].map(
    (alg): Row => [`an HMAC under the name of ${alg}`, (parts) => signed(content(parts, { alg }), parts.key)],
  ),
  ...pems.flatMap((pem, index): Row[] => [
    [`HS256 with a public key as the secret (form ${index + 1})`, (parts) => signed(content(parts, {}), pem)],
    [`the same without its last line break (form ${index + 1})`, (parts) => signed(content(parts, {}), pem.trim())],
  ]),
]

function signedByKey(text: string, key: typeof rsa.privateKey): string {
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const signature = signWithKey(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

const keys: readonly Row[] = [
  ['another key', (parts) => signed(content(parts, {}), 'a-key-that-this-server-was-never-given-0123456789')],
  ['no key', (parts) => signed(content(parts, {}), '')],
  ['the key of the other kind', (parts) => signed(content(parts, {}), parts.otherKey)],
  ['the key cut at the end', (parts) => signed(content(parts, {}), parts.key.subarray(0, -1))],
  ['the key and a line break', (parts) => signed(content(parts, {}), Buffer.concat([parts.key, Buffer.from('\n')]))],
  ['the key in base64', (parts) => signed(content(parts, {}), parts.key.toString('base64'))],
  ['the key in base64url', (parts) => signed(content(parts, {}), parts.key.toString('base64url'))],
  ['the key in hexadecimal digits', (parts) => signed(content(parts, {}), parts.key.toString('hex'))],
  [
    'the key only over the claims',
    (parts) => `${content(parts, {})}.${signed(segmentsOf(parts)[1], parts.key).split('.')[1]}`,
  ],
]

const jwk = { kty: 'oct', alg: 'HS256', k: encode('a-key-in-the-header') }

const headers: readonly Row[] = [
  ['a jwk and a signature by it', (parts) => signed(content(parts, { jwk }), 'a-key-in-the-header')],
  ...Object.entries({
    jwk,
    jku: 'https://evil.example/keys',
    x5u: 'https://evil.example/certificate',
    x5c: ['MIIB'],
    x5t: 'AAAA',
    'x5t#S256': 'AAAA',
    b64: false,
    zip: 'DEF',
    cty: 'JWT',
    enc: 'A256GCM',
    iss: 'https://evil.example',
    anything: null,
  }).map(
    ([name, value]): Row => [`${name} in the header`, (parts) => signed(content(parts, { [name]: value }), parts.key)],
  ),
  ...['', '0', '1', '../../../../dev/null', "' OR 1=1 --", 'at+jwt', '\u0000', null, 0, [], {}].map(
    (kid): Row => [`the kid ${JSON.stringify(kid)}`, (parts) => signed(content(parts, { kid }), parts.key)],
  ),
  ['a kid that names an empty file, and no key', (parts) => signed(content(parts, { kid: '/dev/null' }), '')],
  ...[[], ['exp'], ['b64'], ['alg', 'typ'], ['anything'], 'exp', null, {}, true].map(
    (crit): Row => [
      `crit ${JSON.stringify(crit)}`,
      (parts) => signed(content(parts, { crit, exp: parts.claims.exp, b64: true }), parts.key),
    ],
  ),
  ['crit alone', (parts) => signed(content(parts, { crit: [] }), parts.key)],
  ['b64 false and a payload in plain text', (parts) => unencoded(parts)],
  ['a member named __proto__', (parts) => forge(parts, { header: withMember(parts.header, '__proto__', '{}') })],
  [
    'typ in the prototype only',
    (parts) => forge(parts, { header: `{"alg":"HS256","__proto__":{"typ":"${parts.header.typ}"}}` }),
  ],
  ['no typ', (parts) => forge(parts, { header: without(parts.header, 'typ') })],
  ['no typ, but cty', (parts) => forge(parts, { header: { alg: 'HS256', cty: parts.header.typ } })],
  [
    'the typ of the other kind',
    (parts) => signed(content(parts, { typ: parts.kind === 'access' ? 'rt+jwt' : 'at+jwt' }), parts.key),
  ],
  [
    'the typ in capitals',
    (parts) => signed(content(parts, { typ: String(parts.header.typ).toUpperCase() }), parts.key),
  ],
  [
    'the long form of the typ',
    (parts) => signed(content(parts, { typ: `application/${parts.header.typ}` }), parts.key),
  ],
  ...['JWT', 'jwt', '', 'at', 'at+jwt ', 'rt+jwt ', 'logout+jwt', null, 1, ['at+jwt'], ['rt+jwt'], {}].map(
    (typ): Row => [`the typ ${JSON.stringify(typ)}`, (parts) => signed(content(parts, { typ }), parts.key)],
  ),
  ...['null', '"HS256"', '1', '[]', '["HS256"]', '{}', '', '{', '{"alg":"HS256"', "{'alg':'HS256'}"].map(
    (header): Row => [`the header ${JSON.stringify(header)}`, (parts) => forge(parts, { header })],
  ),
]

function unencoded({ header, claims, key }: TokenParts): string {
  const text = `${encode({ ...header, b64: false, crit: ['b64'] })}.${JSON.stringify(claims)}`
  return signed(text, key)
}

const rows = [...algorithms, ...keys, ...headers]

describe('a token with another header or key than ours', () => {
  it.each(bothKinds(rows))('is refused: $name ($kind token)', async ({ kind, make }) => {
    await target.expectRefused(make(target.partsByKind[kind]))
  })

  it('is never accepted here when jose or fast-jwt refuses it', () => target.expectAgreement(rows))

  it('changed nothing', () => target.expectUnharmed())
})
