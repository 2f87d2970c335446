import { refusalOf } from '../support/answers.ts'
import { givenSession, givenUser } from '../support/fixtures.ts'
import { forge, takeApart, verdictsOfOthers } from '../support/forgery.ts'
import type { TestServer } from '../support/server.ts'
import { startServer } from '../support/server.ts'
import type { TokenTarget } from '../support/token-target.ts'
import { createTokenTarget, kinds } from '../support/token-target.ts'

let server: TestServer
let target: TokenTarget
beforeAll(async () => {
  server = await startServer()
  target = await createTokenTarget(server)
})
afterAll(() => server.close())

const refresh = (refresh_token: string) => server.send('POST', '/access_token', { body: { refresh_token } })

describe('jose, fast-jwt and this server', () => {
  it('accept every token that this server issues', async () => {
    const user = await givenUser(server)
    const { username, password } = user
    const { body: rotated } = await refresh((await givenSession(server, user)).refresh_token)
    const { body: renewed } = await server.send('POST', '/tokens', { token: rotated.access_token, body: {} })
    const { body: brief } = await server.send('POST', '//api/login/', { body: { username, password } })
    const pairs = [user, renewed, { access_token: brief.access, refresh_token: brief.refresh }]
    for (const pair of pairs) {
      for (const kind of kinds) {
        const token = pair[`${kind}_token`]
        const others = await verdictsOfOthers(takeApart(kind, token, server), token, server.now())
        expect([await target.isActive(token), others]).toEqual([true, { jose: true, fastJwt: true }])
      }
    }
  })

  it.each(kinds)('agree about when a token is valid, or this server is stricter (%s token)', async (kind) => {
    const { [kind]: parts } = target.partsByKind
    const disputed: string[] = []
    const { iat, exp } = parts.claims
    const lifetime = exp - iat
    const offsets = [-lifetime - 61, -lifetime - 1, -lifetime, -60, -6, -1, 0, 1, 6, 58, 59, 60, 61, 62, lifetime]
    let accepted = 0
    for (const from of offsets) {
      for (const length of [-1, 0, 1, 2, 5, 6, 60, lifetime - 1, lifetime, lifetime + 1]) {
        const before = server.now()
        const start = Math.floor(before.getTime() / 1000) + from
        const token = forge(parts, { claims: { ...parts.claims, iat: start, exp: start + length } })
        if (!(await target.isActive(token))) continue
        accepted += 1
        // Time passes meanwhile: the verdicts must agree with the one before or the one after.
        const [early, late] = [
          await verdictsOfOthers(parts, token, before),
          await verdictsOfOthers(parts, token, server.now()),
        ]
        if (!(early.jose || late.jose) || !(early.fastJwt || late.fastJwt)) disputed.push(`${from} for ${length}`)
      }
    }
    expect(disputed).toEqual([])
    expect(accepted).toBeGreaterThan(20)
  })

  it.each(kinds)(
    'refuse a token in which any one character is another, is missing or stands twice (%s token)',
    async (kind) => {
      const { [kind]: parts } = target.partsByKind
      const { genuine } = parts
      for (let at = 0; at < genuine.length; at += 1) {
        const [before, character, after] = [genuine.slice(0, at), genuine.charAt(at), genuine.slice(at + 1)]
        for (const other of [character === 'A' ? 'B' : 'A', '', character + character]) {
          expect([at, other, await target.isActive(before + other + after)]).toEqual([at, other, false])
        }
      }
    },
  )
})

describe('a text that is no token', () => {
  it.each([
    ['a space before', (token: string) => ` ${token}`],
    ['a space after', (token: string) => `${token} `],
    ['the scheme before', (token: string) => `Bearer ${token}`],
    ['quotes around', (token: string) => `"${token}"`],
    ['letters that look alike', (token: string) => token.replaceAll('e', '\u0435')],
    ['full-width letters', (token: string) => token.replaceAll('e', '\uff45')],
    ['a soft hyphen', (token: string) => `${token}\u00ad`],
    ['a zero-width space', (token: string) => `${token}\u200b`],
    ['a byte order mark', (token: string) => `\ufeff${token}`],
    ['a no-break space', (token: string) => `${token}\u00a0`],
  ])('is refused in a body: %s', async (_name, change) => {
    for (const kind of kinds) {
      const token = change(target.partsByKind[kind].genuine)
      expect(refusalOf(await refresh(token))).toBe('401 token_invalid')
      expect(await target.isActive(token)).toBe(false)
    }
  })

  it.each([
    ['nothing', () => '', 'too_small'],
    ['a line break after', (token: string) => `${token}\n`, 'control_character'],
    ['a tab before', (token: string) => `\t${token}`, 'control_character'],
    ['a NUL after', (token: string) => `${token}\0`, 'control_character'],
    ['half a letter', (token: string) => `${token}\ud800`, 'ill_formed_text'],
    ['4097 characters', (token: string) => token.padEnd(4097, 'A'), 'too_big'],
    ['4097 dots', () => '.'.repeat(4097), 'too_big'],
    ['15 kB', (token: string) => token.padEnd(15_000, '.A'), 'too_big'],
  ])('is no valid request: %s', async (_name, change, code) => {
    for (const kind of kinds) {
      const token = change(target.partsByKind[kind].genuine)
      expect(refusalOf(await refresh(token))).toBe(`400 invalid_request #/refresh_token ${code}`)
      const verified = await server.send('POST', '/verify_token', { body: { token } })
      expect(refusalOf(verified)).toBe(`400 invalid_request #/token ${code}`)
    }
  })

  it.each([
    [4097, 401, '400 invalid_request #/refresh_token too_big'],
    [12_000, 401, '400 invalid_request #/refresh_token too_big'],
    [20_000, 431, '413 body_too_large'],
  ])('is refused however large it is: %d characters', async (length, asBearer, inBody) => {
    const token = target.partsByKind.access.genuine.padEnd(length, 'A')
    expect((await server.send('GET', '/session', { token })).status).toBe(asBearer)
    expect(refusalOf(await refresh(token))).toBe(inBody)
  })

  it('changed nothing', () => target.expectUnharmed())
})
