import type { TokenParts } from '../support/forgery.ts'
import { forge } from '../support/forgery.ts'
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

/** A row whose claims or header are another text with the content of the genuine token. */
function text(title: string, change: (json: string, parts: TokenParts) => string | Buffer): Row[] {
  return [
    [`${title}, in the claims`, (parts) => forge(parts, { claims: change(JSON.stringify(parts.claims), parts) })],
    [`${title}, in the header`, (parts) => forge(parts, { header: change(JSON.stringify(parts.header), parts) })],
  ]
}

const escaped = (mail: string) => `\\u00${mail.charCodeAt(0).toString(16)}`
const bytes = (...values: number[]) => Buffer.from(values)
const insertAfter = (json: string, word: string, inserted: Buffer) => {
  const at = json.indexOf(word) + word.length
  return Buffer.concat([Buffer.from(json.slice(0, at)), inserted, Buffer.from(json.slice(at))])
}
const badBytes = [
  ['a byte that continues nothing', bytes(0x80)],
  ['a sequence cut short', bytes(0xe2, 0x82)],
  ['an overlong letter', bytes(0xc1, 0xa1)],
  ['a surrogate in UTF-8', bytes(0xed, 0xa0, 0x80)],
  ['the byte FF', bytes(0xff)],
  ['a NUL', bytes(0)],
] as const

const texts: readonly Row[] = [
  ...text('a byte order mark', (json) => `\ufeff${json}`),
  ...text('a space before', (json) => ` ${json}`),
  ...text('a space after', (json) => `${json} `),
  ...text('a line break after', (json) => `${json}\n`),
  ...text('spaces between', (json) => json.replaceAll(',', ', ')),
  ...text('indented', (json) => JSON.stringify(JSON.parse(json), null, 2)),
  ...text('a NUL after', (json) => `${json}\0`),
  ...text('bytes after', (json) => `${json}x`),
  ...text('an object after', (json) => `${json}{}`),
  ...text('a comma after', (json) => `${json},`),
  ...text('a comma too many', (json) => json.replace('}', ',}')),
  ...text('a comment', (json) => `${json}/* */`),
  ...text('quoted with apostrophes', (json) => json.replaceAll('"', "'")),
  ...text('cut at the end', (json) => json.slice(0, -1)),
  ...text('in UTF-16', (json) => Buffer.from(json, 'utf16le')),
  ...text('in a list', (json) => `[${json}]`),
  ...text('as a text', (json) => JSON.stringify(json)),
  ...text('its first name escaped', (json) => json.replace(/^\{"(.)/, (_all, mail) => `{"${escaped(mail)}`)),
  ...text('its first value escaped', (json) =>
    json.replace(/^(\{"\w+":")(.)/, (_all, start, mail) => start + escaped(mail)),
  ),
  ...text('its first member twice', (json) => json.replace(/^\{("\w+":"[^"]*")/, '{$1,$1')),
  ...text('its first member twice, one name escaped', (json) =>
    json.replace(/^\{"(.)(\w+":"[^"]*")/, (_all, mail, rest) => `{"${mail}${rest},"${escaped(mail)}${rest}`),
  ),
  ...text('its first member null before', (json) => json.replace(/^\{("\w+":)/, '{$1null,$1')),
  ...text('its first member null after', (json) => json.replace(/^\{("\w+":)(.*)\}$/, '{$1$2,$1null}')),
  ...['null', '1', 'true', '"text"', '""', '[]', '{}', '', 'claims', 'NaN', 'undefined'].map(
    (claims): Row => [`claims that are ${JSON.stringify(claims)}`, (parts) => forge(parts, { claims })],
  ),
  ...badBytes.flatMap(([title, inserted]) => [
    ...text(`${title} in a value`, (json) => insertAfter(json, '":"', inserted)),
    ...text(`${title} in a name`, (json) => insertAfter(json, '{"', inserted)),
    ...text(`${title} after`, (json) => Buffer.concat([Buffer.from(json), inserted])),
  ]),
  [
    'alg none before alg HS256',
    (parts) => forge(parts, { header: JSON.stringify(parts.header).replace('{', '{"alg":"none",') }),
  ],
  [
    'alg none after alg HS256',
    (parts) => forge(parts, { header: JSON.stringify(parts.header).replace('}', ',"alg":"none"}') }),
  ],
  [
    'typ JWT before our typ',
    (parts) => forge(parts, { header: JSON.stringify(parts.header).replace('{', '{"typ":"JWT",') }),
  ],
  [
    'typ JWT after our typ',
    (parts) => forge(parts, { header: JSON.stringify(parts.header).replace('}', ',"typ":"JWT"}') }),
  ],
  ...['exp', 'iat', 'sub', 'user_id', 'sid', 'token_type', 'aud', 'iss'].flatMap((name): Row[] => [
    [
      `another ${name} before ours`,
      (parts) => forge(parts, { claims: JSON.stringify(parts.claims).replace('{', `{"${name}":999,`) }),
    ],
    [
      `another ${name} after ours`,
      (parts) => forge(parts, { claims: JSON.stringify(parts.claims).replace(/\}$/, `,"${name}":999}`) }),
    ],
    [
      `our ${name} twice`,
      (parts) =>
        forge(parts, {
          claims: JSON.stringify(parts.claims).replace('{', `{"${name}":${JSON.stringify(parts.claims[name])},`),
        }),
    ],
  ]),
]

describe('a token with the same content as a genuine one in another text', () => {
  it.each(bothKinds(texts))('is refused: $name ($kind token)', async ({ kind, make }) => {
    await target.expectRefused(make(target.partsByKind[kind]))
  })

  it('is never accepted here when jose or fast-jwt refuses it', () => target.expectAgreement(texts))

  it('changed nothing', () => target.expectUnharmed())
})
