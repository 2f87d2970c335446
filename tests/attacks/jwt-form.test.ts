import type { TokenParts } from '../support/forgery.ts'
import { content, encode, forge, segmentsOf, signed, verdictsOfOthers, withMember } from '../support/forgery.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import type { Row, TokenTarget } from '../support/token-target.ts'
import { bothKinds, createTokenTarget, kinds } from '../support/token-target.ts'

let server: TestServer
let target: TokenTarget
beforeAll(async () => {
  server = await startServer()
  target = await createTokenTarget(server)
})
afterAll(() => server.close())

/** The segment with other unused bits in its last character than the encoder writes, if it has unused bits. */
function withLooseBits(segment: string, bits: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return segment.slice(0, -1) + alphabet[alphabet.indexOf(segment.slice(-1)) ^ bits]
}

/** JSON of a length at which base64url has unused bits. */
function uneven(part: object): string {
  const json = JSON.stringify(part)
  return Buffer.byteLength(json) % 3 === 0 ? `${json} ` : json
}

/** A well-signed token whose signature holds characters in which the two alphabets differ. */
function withOddSignature(parts: TokenParts): string {
  for (let exp = parts.claims.exp; ; exp -= 1) {
    const token = forge(parts, { claims: { ...parts.claims, exp } })
    const signature = token.slice(-43)
    if (/-/.test(signature) && /_/.test(signature)) return token
  }
}

const spellings: readonly Row[] = [
  ...[1, 2, 3].map(
    (bits): Row => [`loose bits in the signature (${bits})`, ({ genuine }) => withLooseBits(genuine, bits)],
  ),
  [
    'loose bits in the payload',
    ({ header, claims, key }) => signed(`${encode(header)}.${withLooseBits(encode(uneven(claims)), 1)}`, key),
  ],
  [
    'loose bits in the header',
    ({ header, claims, key }) => signed(`${withLooseBits(encode(uneven(header)), 1)}.${encode(claims)}`, key),
  ],
  [
    'the plain alphabet in the signature',
    (parts) =>
      withOddSignature(parts)
        .replaceAll(/-(?=[^.]*$)/g, '+')
        .replaceAll(/_(?=[^.]*$)/g, '/'),
  ],
  ['a + in the signature', (parts) => withOddSignature(parts).replaceAll(/-(?=[^.]*$)/g, '+')],
  ['a / in the signature', (parts) => withOddSignature(parts).replaceAll(/_(?=[^.]*$)/g, '/')],
  ['padding after the signature', ({ genuine }) => `${genuine}=`],
  ['two signs of padding after the signature', ({ genuine }) => `${genuine}==`],
  ...[1, 2]
    .map(
      (count): Row =>
        [
          '='.repeat(count),
          ({ header, claims, key }) => signed(`${encode(header)}${'='.repeat(count)}.${encode(claims)}`, key),
        ] as const,
    )
    .map(([signs, make]): Row => [`${signs} after the header, signed with it`, make]),
  ...[1, 2].map(
    (count): Row => [
      `${'='.repeat(count)} after the payload, signed with it`,
      ({ header, claims, key }) => signed(`${encode(header)}.${encode(claims)}${'='.repeat(count)}`, key),
    ],
  ),
  [
    'a character more in the payload, signed with it',
    ({ header, claims, key }) => signed(`${encode(header)}.${encode(claims)}A`, key),
  ],
  [
    'a space in the header, signed with it',
    ({ header, claims, key }) => signed(`${encode(header)} .${encode(claims)}`, key),
  ],
  [
    'a space in the payload, signed with it',
    ({ header, claims, key }) => signed(`${encode(header)}. ${encode(claims)}`, key),
  ],
  [
    'a space before the signature',
    (parts) =>
      segmentsOf(parts)
        .join('.')
        .replace(/\.(?=[^.]*$)/, '. '),
  ],
  ['a percent-encoded dot', ({ genuine }) => genuine.replace('.', '%2E')],
  [
    'a signature in hexadecimal digits',
    (parts) => `${content(parts, {})}.${Buffer.from(segmentsOf(parts)[2], 'base64url').toString('hex')}`,
  ],
  ['a signature cut by a character', ({ genuine }) => genuine.slice(0, -1)],
  ['a signature cut by half', ({ genuine }) => genuine.slice(0, -22)],
  ['a signature and another character', ({ genuine }) => `${genuine}A`],
  ['a signature of zeros', ({ genuine }) => genuine.slice(0, -43) + 'A'.repeat(43)],
]

const segments: readonly Row[] = [
  ['one segment', (parts) => segmentsOf(parts)[0]],
  ['the signature alone', (parts) => segmentsOf(parts)[2]],
  ['two segments', (parts) => segmentsOf(parts).slice(0, 2).join('.')],
  ['the claims and the signature', (parts) => segmentsOf(parts).slice(1).join('.')],
  ['four segments', ({ genuine }) => `${genuine}.${genuine.slice(-43)}`],
  ['five segments', ({ genuine }) => `${genuine}.AAAA.AAAA`],
  ['no header', (parts) => `.${segmentsOf(parts).slice(1).join('.')}`],
  ['no payload', ({ header, key }) => signed(`${encode(header)}.`, key)],
  ['no signature', (parts) => `${segmentsOf(parts).slice(0, 2).join('.')}.`],
  ['a signature and nothing else', (parts) => signed('.', parts.key)],
  ['a dot', () => '.'],
  ['two dots', () => '..'],
  ['four dots', () => '....'],
  ['a dot before', ({ genuine }) => `.${genuine}`],
  ['a dot after', ({ genuine }) => `${genuine}.`],
  ['two dots after', ({ genuine }) => `${genuine}..`],
  ['two dots between', ({ genuine }) => genuine.replace('.', '..')],
  ['segments in another order', (parts) => segmentsOf(parts).reverse().join('.')],
  ['two tokens in one', ({ genuine }) => `${genuine}.${genuine}`],
  [
    'the form of a JWE',
    (parts) =>
      `${encode({ alg: 'dir', enc: 'A256GCM' })}..AAAAAAAAAAAAAAAA.${segmentsOf(parts)[1]}.AAAAAAAAAAAAAAAAAAAAAA`,
  ],
  ['the form of a JWE, signed', (parts) => forge(parts, { header: { ...parts.header, alg: 'dir', enc: 'A256GCM' } })],
  [
    'the JSON form of a JWS',
    (parts) =>
      JSON.stringify({
        protected: segmentsOf(parts)[0],
        payload: segmentsOf(parts)[1],
        signature: segmentsOf(parts)[2],
      }),
  ],
  ['a token in a token', (parts) => forge(parts, { header: { ...parts.header, cty: 'JWT' }, claims: parts.genuine })],
  ['a token as the text of the claims', (parts) => forge(parts, { claims: JSON.stringify(parts.genuine) })],
]

const oversized = ({ header, claims, key }: TokenParts, length: number) => {
  const room = Math.floor(((length - encode(header).length - 45) * 3) / 4)
  return signed(`${encode(header)}.${encode(JSON.stringify(claims).padEnd(room))}`, key)
}

const sizes: readonly Row[] = [
  ...[1024, 2040, 2048, 2100, 4000, 4094].map(
    (size): Row => [`${size} characters, most of them spaces`, (parts) => oversized(parts, size)],
  ),
  ['a claim that fills 4 kB', (parts) => forge(parts, { claims: { ...parts.claims, filler: 'x'.repeat(2600) } })],
  ['a header that fills 4 kB', (parts) => signed(content(parts, { filler: 'x'.repeat(2400) }), parts.key)],
  [
    'lists in lists',
    (parts) => forge(parts, { claims: withMember(parts.claims, 'deep', '['.repeat(1200) + ']'.repeat(1200)) }),
  ],
  ['4096 dots', () => '.'.repeat(4096)],
  ['4096 letters', () => 'A'.repeat(4096)],
]

const rows = [...spellings, ...segments, ...sizes]

describe('a token in another form than ours', () => {
  it.each(kinds)('is compared with %s tokens made the same way, which are good', async (kind) => {
    const parts = target.partsByKind[kind]
    expect(await target.isActive(parts.genuine)).toBe(true)
    expect(await verdictsOfOthers(parts, parts.genuine, server.now())).toEqual({ jose: true, fastJwt: true })
    expect(await target.isActive(withOddSignature(parts))).toBe(true)
  })

  it.each(bothKinds(rows))('is refused: $name ($kind token)', async ({ kind, make }) => {
    await target.expectRefused(make(target.partsByKind[kind]))
  })

  it('is never accepted here when jose or fast-jwt refuses it', () => target.expectAgreement(rows))

  it('changed nothing', () => target.expectUnharmed())
})
