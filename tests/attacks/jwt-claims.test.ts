import { refusalOf } from '../support/answers.ts'
import type { Mould } from '../support/forgery.ts'
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

/** A row whose claims are those of the mould but for one. */
function claim(name: string, valueIn: (mould: Mould) => unknown, title?: string): Row {
  return [
    title ?? name,
    (mould) => forge(mould, { claims: withMember(mould.claims, name, JSON.stringify(valueIn(mould))) }),
  ]
}

function claimAs(name: string, json: string): Row {
  return [`${name} ${json}`, (mould) => forge(mould, { claims: withMember(mould.claims, name, json) })]
}

function leavingOut(...names: readonly string[]): Row {
  return [`no ${names.join(', no ')}`, (mould) => forge(mould, { claims: without(mould.claims, ...names) })]
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
      (mould) => forge(mould, { claims: withMember(mould.claims, name, `${mould.claims[name]}.5`) }),
    ],
    [
      `${name} with a millionth`,
      (mould) => forge(mould, { claims: withMember(mould.claims, name, `${mould.claims[name]}.000001`) }),
    ],
    [`${name} with .0`, (mould) => forge(mould, { claims: withMember(mould.claims, name, `${mould.claims[name]}.0`) })],
    [
      `${name} with an exponent`,
      (mould) => forge(mould, { claims: withMember(mould.claims, name, `${mould.claims[name]}0e-1`) }),
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
  ['all of its life in the future', (mould) => moved(mould, 86_400)],
  ...[-60, 0, 3600, 1e9].map((ahead) =>
    claim('nbf', ({ claims }) => claims.iat + ahead, `nbf ${ahead} seconds after iat`),
  ),
  ...['"1"', 'null', '1e999', '-1', '[]'].map((json) => claimAs('nbf', json)),
]

/** Issued and expiring so many seconds later than the genuine token. */
function moved(mould: Mould, by: number): string {
  return forge(mould, { claims: { ...mould.claims, iat: mould.claims.iat + by, exp: mould.claims.exp + by } })
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

const otherKind = ({ kind }: Mould) => (kind === 'access' ? 'refresh' : 'access')

const subjects: readonly Row[] = [
  leavingOut('token_type'),
  claim('token_type', otherKind, 'the token_type of the other kind'),
  claim('token_type', ({ kind }) => kind.toUpperCase(), 'the token_type in capitals'),
  claim('token_type', ({ kind }) => [kind], 'the token_type in a list'),
  claim('token_type', () => ['access', 'refresh'], 'both token_types'),
  ...['"id"', '"bearer"', '""', 'null', 'true'].map((json) => claimAs('token_type', json)),
  ['the claims of the other kind', (mould) => forge(mould, { claims: target.moulds[otherKind(mould)].claims })],
  ['the header of the other kind', (mould) => forge(mould, { header: target.moulds[otherKind(mould)].header })],
  ['the key of the other kind', (mould) => signed(mould.genuine.slice(0, -44), mould.otherKey)],
  ['the session of a stranger', (mould) => inSession(mould, String(target.stranger.moulds[mould.kind].claims.sid))],
  claim('sid', ({ kind }) => target.stranger.moulds[kind].claims.sid, 'the sid of a stranger and all else as it was'),
  claim('sub', () => target.stranger.user.uuid, 'the sub of a stranger'),
  claim('user_id', () => target.stranger.user.id, 'the user_id of a stranger'),
  ['the sub and the user_id of a stranger', (mould) => asStranger(mould)],
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

function inSession(mould: Mould, sid: string): string {
  return forge(mould, { claims: JSON.stringify(mould.claims).replaceAll(mould.claims.sid, sid) })
}

function asStranger(mould: Mould): string {
  const { uuid: sub, id: user_id } = target.stranger.user
  return forge(mould, { claims: { ...mould.claims, sub, user_id } })
}

const rows = [...instants, ...audiences, ...subjects]

describe('a token with other claims than ours', () => {
  it.each(bothKinds(rows))('is refused: $name ($kind token)', async ({ kind, make }) => {
    await target.expectRefused(make(target.moulds[kind]))
  })

  it('is never accepted here when jose or fast-jwt refuses it', () => target.expectAgreement(rows))

  it.each(kinds)('is refused as soon as one claim is missing or of another type (%s token)', async (kind) => {
    const { [kind]: mould } = target.moulds
    for (const [name, value] of Object.entries(mould.claims)) {
      await target.expectRefused(forge(mould, { claims: without(mould.claims, name) }))
      for (const other of [null, true, '', [], {}, [value], typeof value === 'number' ? String(value) : 1]) {
        await target.expectRefused(forge(mould, { claims: { ...mould.claims, [name]: other } }))
      }
    }
  })

  it.each(kinds)('is refused once it has expired, though its session lives (%s token)', async (kind) => {
    for (const late of [5, 6, 60, 86_400]) {
      const { claims } = target.moulds[kind]
      const now = Math.floor(server.now().getTime() / 1000)
      await target.expectRefused(
        moved(target.moulds[kind], now - late - claims.exp),
        /^401 (token_invalid|(access|refresh)_token_expired)$/,
      )
    }
  })

  it.each(kinds)('is refused when nobody has its session (%s token)', async (kind) => {
    await target.expectRefused(inSession(target.moulds[kind], unknownSession), /^401 (token_invalid|session_revoked)$/)
  })

  it.each([2 ** 31, 2 ** 53 - 1])('ends no session for the user %d, whom no database can have', async (user_id) => {
    const [access, refresh] = kinds.map((kind) =>
      forge(target.moulds[kind], { claims: { ...target.moulds[kind].claims, user_id } }),
    )
    const answers = [
      await server.send('POST', '/logout', { token: access }),
      await server.send('POST', '/logout', { body: { refresh_token: refresh } }),
    ]
    for (const answer of answers) expect(refusalOf(answer)).toBe('401 token_invalid')
  })

  it('harmed nothing', () => target.expectUnharmed())
})
