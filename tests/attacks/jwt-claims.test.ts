import { refusalOf } from '../support/answers.ts'
import type { TokenParts } from '../support/forgery.ts'
import { forge, signed, withMember, without } from '../support/forgery.ts'
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

/** A row with the claims of the genuine token but for one. */
function claim(name: string, valueIn: (parts: TokenParts) => unknown, title?: string): Row {
  return [
    title ?? name,
    (parts) => forge(parts, { claims: withMember(parts.claims, name, JSON.stringify(valueIn(parts))) }),
  ]
}

function claimAs(name: string, json: string): Row {
  return [`${name} ${json}`, (parts) => forge(parts, { claims: withMember(parts.claims, name, json) })]
}

function leavingOut(...names: readonly string[]): Row {
  return [`no ${names.join(', no ')}`, (parts) => forge(parts, { claims: without(parts.claims, ...names) })]
}

const noInstants = [
  '1e999',
  '-1e999',
  '-1',
  '-0',
  '0',
  '1e300',
  '9007199254740993',
  '4102444800',
  '"1"',
  '""',
  '"now"',
  'null',
  'true',
  '[]',
  '{}',
]

const instants: readonly Row[] = [
  ...['exp', 'iat'].flatMap((name): Row[] => [
    leavingOut(name),
    ...noInstants.map((json) => claimAs(name, json)),
    [
      `${name} with half a second`,
      (parts) => forge(parts, { claims: withMember(parts.claims, name, `${parts.claims[name]}.5`) }),
    ],
    [
      `${name} with a millionth`,
      (parts) => forge(parts, { claims: withMember(parts.claims, name, `${parts.claims[name]}.000001`) }),
    ],
    [`${name} with .0`, (parts) => forge(parts, { claims: withMember(parts.claims, name, `${parts.claims[name]}.0`) })],
    [
      `${name} with an exponent`,
      (parts) => forge(parts, { claims: withMember(parts.claims, name, `${parts.claims[name]}0e-1`) }),
    ],
    claim(name, ({ claims }) => String(claims[name]), `${name} as text`),
    claim(name, ({ claims }) => [claims[name]], `${name} in a list`),
    claim(name, ({ claims }) => Number(claims[name]) * 1000, `${name} in milliseconds`),
    claim(name, ({ claims }) => new Date(Number(claims[name]) * 1000), `${name} as a date`),
  ]),
  leavingOut('exp', 'iat'),
  claim('exp', ({ claims }) => claims.exp + 1, 'a second more of life than is issued'),
  claim('exp', ({ claims }) => claims.exp + 365 * 86_400, 'a year more of life than is issued'),
  claim('iat', ({ claims }) => claims.iat - 1, 'the same by an earlier iat'),
  claim('iat', ({ claims }) => claims.iat + 3600, 'iat in an hour'),
  claim('iat', ({ claims }) => claims.exp, 'iat at exp'),
  claim('iat', ({ claims }) => claims.exp + 1, 'iat after exp'),
  claim('exp', ({ claims }) => claims.iat - 1, 'exp before iat'),
  ['all of its life in the future', (parts) => moved(parts, 86_400)],
  ...[-60, 0, 3600, 1e9].map((ahead) =>
    claim('nbf', ({ claims }) => claims.iat + ahead, `nbf ${ahead} seconds after iat`),
  ),
  ...['"1"', 'null', '1e999', '-1', '[]'].map((json) => claimAs('nbf', json)),
]

/** Issued and expiring so many seconds later than the genuine token. */
function moved(parts: TokenParts, by: number): string {
  return forge(parts, { claims: { ...parts.claims, iat: parts.claims.iat + by, exp: parts.claims.exp + by } })
}

const audiences: readonly Row[] = [
  ...['iss', 'aud'].flatMap((name): Row[] => [
    leavingOut(name),
    ...[
      'null',
      '""',
      '"*"',
      '1',
      'true',
      '{}',
      '[]',
      '[null]',
      '"https://evil.example"',
      '["https://evil.example"]',
    ].map((json) => claimAs(name, json)),
    claim(name, ({ claims }) => [claims[name]], `${name} in a list`),
    claim(name, ({ claims }) => [claims[name], 'https://evil.example'], `${name} in a list with another`),
    claim(name, ({ claims }) => `${claims[name]}/`, `${name} with a slash`),
    claim(name, ({ claims }) => `${claims[name]} `, `${name} with a space`),
    claim(name, ({ claims }) => `${claims[name]}\u0000`, `${name} with a NUL`),
    claim(name, ({ claims }) => `${claims[name]}.evil.example`, `${name} with a domain after it`),
    claim(name, ({ claims }) => String(claims[name]).toUpperCase(), `${name} in capitals`),
    claim(name, ({ claims }) => String(claims[name]).slice(0, -1), `${name} cut at the end`),
  ]),
  leavingOut('iss', 'aud'),
]

const otherKind = ({ kind }: TokenParts) => (kind === 'access' ? 'refresh' : 'access')

const subjects: readonly Row[] = [
  leavingOut('token_type'),
  claim('token_type', otherKind, 'the token_type of the other kind'),
  claim('token_type', ({ kind }) => kind.toUpperCase(), 'the token_type in capitals'),
  claim('token_type', ({ kind }) => [kind], 'the token_type in a list'),
  claim('token_type', () => ['access', 'refresh'], 'both token_types'),
  ...['"id"', '"bearer"', '""', 'null', 'true'].map((json) => claimAs('token_type', json)),
  ['the claims of the other kind', (parts) => forge(parts, { claims: target.partsByKind[otherKind(parts)].claims })],
  ['the header of the other kind', (parts) => forge(parts, { header: target.partsByKind[otherKind(parts)].header })],
  ['the key of the other kind', (parts) => signed(parts.genuine.slice(0, -44), parts.otherKey)],
  [
    'the session of another user',
    (parts) => inSession(parts, String(target.otherUser.partsByKind[parts.kind].claims.sid)),
  ],
  claim(
    'sid',
    ({ kind }) => target.otherUser.partsByKind[kind].claims.sid,
    'the sid of another user, all else unchanged',
  ),
  claim('sub', () => target.otherUser.user.uuid, 'the sub of another user'),
  claim('user_id', () => target.otherUser.user.id, 'the user_id of another user'),
  ['the sub and the user_id of another user', (parts) => asOtherUser(parts)],
  ...['"1"', '0', '-1', '1.5', '1e999', '2147483648', '9007199254740992', 'null', 'true', '[1]', '{"gt":0}'].map(
    (json) => claimAs('user_id', json),
  ),
  ...['sub', 'sid'].flatMap((name) =>
    [
      '""',
      '"1"',
      '1',
      'null',
      'true',
      '[]',
      '{}',
      '{"not":""}',
      '"%"',
      '"00000000-0000-0000-0000-000000000000\\u0000"',
    ].map((json) => claimAs(name, json)),
  ),
  ...['scope', 'is_staff', 'generation', 'cnf', 'azp', 'constructor', '__proto__'].flatMap((name) => [
    claimAs(name, '"admin"'),
    claimAs(name, '1e999'),
    claimAs(name, '{"user_id":1}'),
  ]),
]

const unknownSession = '0b7f1d5e-3c1c-4d55-9a43-0d6f3e1a2b4c'

function inSession(parts: TokenParts, sid: string): string {
  return forge(parts, { claims: JSON.stringify(parts.claims).replaceAll(parts.claims.sid, sid) })
}

function asOtherUser(parts: TokenParts): string {
  const { uuid: sub, id: user_id } = target.otherUser.user
  return forge(parts, { claims: { ...parts.claims, sub, user_id } })
}

const rows = [...instants, ...audiences, ...subjects]

describe('a token with other claims than ours', () => {
  it.each(bothKinds(rows))('is refused: $name ($kind token)', async ({ kind, make }) => {
    await target.expectRefused(make(target.partsByKind[kind]))
  })

  it('is never accepted here when jose or fast-jwt refuses it', () => target.expectAgreement(rows))

  it.each(kinds)('is refused as soon as one claim is missing or of another type (%s token)', async (kind) => {
    const { [kind]: parts } = target.partsByKind
    for (const [name, value] of Object.entries(parts.claims)) {
      await target.expectRefused(forge(parts, { claims: without(parts.claims, name) }))
      for (const other of [null, true, '', [], {}, [value], typeof value === 'number' ? String(value) : 1]) {
        await target.expectRefused(forge(parts, { claims: { ...parts.claims, [name]: other } }))
      }
    }
  })

  it.each(kinds)('is refused once it has expired, though its session lives (%s token)', async (kind) => {
    for (const late of [5, 6, 60, 86_400]) {
      const { claims } = target.partsByKind[kind]
      const now = Math.floor(server.now().getTime() / 1000)
      await target.expectRefused(
        moved(target.partsByKind[kind], now - late - claims.exp),
        /^401 (token_invalid|(access|refresh)_token_expired)$/,
      )
    }
  })

  it.each(kinds)('is refused when its session does not exist (%s token)', async (kind) => {
    await target.expectRefused(
      inSession(target.partsByKind[kind], unknownSession),
      /^401 (token_invalid|session_revoked)$/,
    )
  })

  it.each([2 ** 53, 2 ** 63])('ends no session for the user id %d, which no user can have', async (user_id) => {
    const [access, refresh] = kinds.map((kind) =>
      forge(target.partsByKind[kind], { claims: { ...target.partsByKind[kind].claims, user_id } }),
    )
    const answers = [
      await server.send('POST', '/logout', { token: access }),
      await server.send('POST', '/logout', { body: { refresh_token: refresh } }),
    ]
    for (const answer of answers) expect(refusalOf(answer)).toBe('401 token_invalid')
  })

  it('changed nothing', () => target.expectUnharmed())
})
