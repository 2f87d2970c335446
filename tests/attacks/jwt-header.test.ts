import { generateKeyPairSync, sign as signWithKey } from 'node:crypto'
import type { Mould } from '../support/forgery.ts'
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
    [`the algorithm "${alg}" and no signature`, (mould) => `${content(mould, { alg })}.`],
    [`the algorithm "${alg}" and a signature`, (mould) => signed(content(mould, { alg }), mould.key)],
    [
      `the algorithm "${alg}" and the genuine signature`,
      (mould) => `${content(mould, { alg })}.${segmentsOf(mould)[2]}`,
    ],
    [`the algorithm "${alg}" and an HMAC without a key`, (mould) => signed(content(mould, { alg }), '')],
  ]),
  ['no algorithm', (mould) => forge(mould, { header: without(mould.header, 'alg') })],
  ['no algorithm and no signature', (mould) => `${encode(without(mould.header, 'alg'))}.${encode(mould.claims)}.`],
  ...['null', '256', 'true', '{}', '["HS256"]', '["none","HS256"]', '{"name":"HS256"}'].map(
    (json): Row => [
      `the algorithm ${json}`,
      (mould) => forge(mould, { header: withMember(mould.header, 'alg', json) }),
    ],
  ),
  ...['hs256', 'HS256 ', ' HS256', 'HS-256', 'HMAC', 'SHA256', 'HS256\u0000', 'constructor', '__proto__'].map(
    (alg): Row => [`the algorithm ${JSON.stringify(alg)}`, (mould) => signed(content(mould, { alg }), mould.key)],
  ),
  ...(['HS384', 'HS512', 'HS1', 'HS224'] as const).flatMap((alg): Row[] => {
    const hash = alg.replace('HS', 'sha')
    return [
      [`${alg}, well signed`, (mould) => signed(content(mould, { alg }), mould.key, hash)],
      [`${alg} under the name of HS256`, (mould) => signed(content(mould, {}), mould.key, hash)],
      [`HS256 under the name of ${alg}`, (mould) => signed(content(mould, { alg }), mould.key)],
    ]
  }),
  ['RS256 with a fresh key', (mould) => signedByKey(content(mould, { alg: 'RS256' }), rsa.privateKey)],
  ['ES256 with a fresh key', (mould) => signedByKey(content(mould, { alg: 'ES256' }), ec.privateKey)],
  ['EdDSA with a fresh key', (mould) => signedByKey(content(mould, { alg: 'EdDSA' }), ed25519.privateKey)],
  ['RS256 under the name of HS256', (mould) => signedByKey(content(mould, {}), rsa.privateKey)],
  ...['RS256', 'PS256', 'ES256', 'EdDSA'].map(
    (alg): Row => [`an HMAC under the name of ${alg}`, (mould) => signed(content(mould, { alg }), mould.key)],
  ),
  ...pems.flatMap((pem, index): Row[] => [
    [`HS256 with a public key as the secret (form ${index + 1})`, (mould) => signed(content(mould, {}), pem)],
    [`the same without its last line break (form ${index + 1})`, (mould) => signed(content(mould, {}), pem.trim())],
  ]),
]

function signedByKey(text: string, key: typeof rsa.privateKey): string {
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const signature = signWithKey(hash, Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

const keys: readonly Row[] = [
  ['another key', (mould) => signed(content(mould, {}), 'a-key-that-this-server-was-never-given-0123456789')],
  ['no key', (mould) => signed(content(mould, {}), '')],
  ['the key of the other kind', (mould) => signed(content(mould, {}), mould.otherKey)],
  ['the key cut at the end', (mould) => signed(content(mould, {}), mould.key.subarray(0, -1))],
  ['the key and a line break', (mould) => signed(content(mould, {}), Buffer.concat([mould.key, Buffer.from('\n')]))],
  ['the key in base64', (mould) => signed(content(mould, {}), mould.key.toString('base64'))],
  ['the key in base64url', (mould) => signed(content(mould, {}), mould.key.toString('base64url'))],
  ['the key in hexadecimal digits', (mould) => signed(content(mould, {}), mould.key.toString('hex'))],
  [
    'the key only over the claims',
    (mould) => `${content(mould, {})}.${signed(segmentsOf(mould)[1], mould.key).split('.')[1]}`,
  ],
]

const jwk = { kty: 'oct', alg: 'HS256', k: encode('a-key-in-the-header') }

const headers: readonly Row[] = [
  ['a jwk and a signature by it', (mould) => signed(content(mould, { jwk }), 'a-key-in-the-header')],
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
    ([name, value]): Row => [`${name} in the header`, (mould) => signed(content(mould, { [name]: value }), mould.key)],
  ),
  ...['', '0', '1', '../../../../dev/null', "' OR 1=1 --", 'at+jwt', '\u0000', null, 0, [], {}].map(
    (kid): Row => [`the kid ${JSON.stringify(kid)}`, (mould) => signed(content(mould, { kid }), mould.key)],
  ),
  ['a kid that names an empty file, and no key', (mould) => signed(content(mould, { kid: '/dev/null' }), '')],
  ...[[], ['exp'], ['b64'], ['alg', 'typ'], ['anything'], 'exp', null, {}, true].map(
    (crit): Row => [
      `crit ${JSON.stringify(crit)}`,
      (mould) => signed(content(mould, { crit, exp: mould.claims.exp, b64: true }), mould.key),
    ],
  ),
  ['crit alone', (mould) => signed(content(mould, { crit: [] }), mould.key)],
  ['b64 false and a payload in plain text', (mould) => unencoded(mould)],
  ['a member named __proto__', (mould) => forge(mould, { header: withMember(mould.header, '__proto__', '{}') })],
  [
    'typ in the prototype only',
    (mould) => forge(mould, { header: `{"alg":"HS256","__proto__":{"typ":"${mould.header.typ}"}}` }),
  ],
  ['no typ', (mould) => forge(mould, { header: without(mould.header, 'typ') })],
  ['no typ, but cty', (mould) => forge(mould, { header: { alg: 'HS256', cty: mould.header.typ } })],
  [
    'the typ of the other kind',
    (mould) => signed(content(mould, { typ: mould.kind === 'access' ? 'rt+jwt' : 'at+jwt' }), mould.key),
  ],
  [
    'the typ in capitals',
    (mould) => signed(content(mould, { typ: String(mould.header.typ).toUpperCase() }), mould.key),
  ],
  [
    'the long form of the typ',
    (mould) => signed(content(mould, { typ: `application/${mould.header.typ}` }), mould.key),
  ],
  ...['JWT', 'jwt', '', 'at', 'at+jwt ', 'rt+jwt ', 'logout+jwt', null, 1, ['at+jwt'], ['rt+jwt'], {}].map(
    (typ): Row => [`the typ ${JSON.stringify(typ)}`, (mould) => signed(content(mould, { typ }), mould.key)],
  ),
  ...['null', '"HS256"', '1', '[]', '["HS256"]', '{}', '', '{', '{"alg":"HS256"', "{'alg':'HS256'}"].map(
    (header): Row => [`the header ${JSON.stringify(header)}`, (mould) => forge(mould, { header })],
  ),
]

function unencoded({ header, claims, key }: Mould): string {
  const text = `${encode({ ...header, b64: false, crit: ['b64'] })}.${JSON.stringify(claims)}`
  return signed(text, key)
}

const rows = [...algorithms, ...keys, ...headers]

describe('a token with another header or key than ours', () => {
  it.each(bothKinds(rows))('is refused: $name ($kind token)', async ({ kind, make }) => {
    await target.expectRefused(make(target.moulds[kind]))
  })

  it('is never accepted here when jose or fast-jwt refuses it', () => target.expectAgreement(rows))

  it('harmed nothing', () => target.expectUnharmed())
})
