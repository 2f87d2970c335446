import type { TokenKind } from '../../src/kernel/ports.ts'
import { refusalOf } from './answers.ts'
import type { User } from './fixtures.ts'
import { givenUser } from './fixtures.ts'
import type { TokenParts } from './forgery.ts'
import { forge, takeApart, verdictsOfOthers } from './forgery.ts'
import type { TestServer } from './server.ts'

export const kinds: readonly TokenKind[] = ['access', 'refresh']

/** One attack: its name, and how it makes its token from a genuine one. */
export type Row = readonly [name: string, make: (parts: TokenParts) => string]

/** Every attack with tokens of every kind. */
export function bothKinds(rows: readonly Row[]) {
  return rows.flatMap(([name, make]) => kinds.map((kind) => ({ name, kind, make })))
}

/** A server with two users whose sessions are attacked. */
export interface TokenTarget {
  readonly partsByKind: Readonly<Record<TokenKind, TokenParts>>
  readonly user: User
  readonly otherUser: { readonly user: User; readonly partsByKind: Readonly<Record<TokenKind, TokenParts>> }
  /** Whether the server accepts the token. */
  isActive(token: string): Promise<boolean>
  /** Fails unless the token is refused wherever one of these kinds is accepted, and changes nothing. */
  expectRefused(token: string, codes?: RegExp): Promise<void>
  /** Fails if the server accepts a token that another implementation refuses. */
  expectAgreement(rows: readonly Row[]): Promise<void>
  /** Fails unless the genuine tokens still work as before. */
  expectUnharmed(): Promise<void>
}

export async function createTokenTarget(server: TestServer): Promise<TokenTarget> {
  const [user, otherUser] = [await givenUser(server), await givenUser(server)]
  const partsOf = ({ access_token, refresh_token }: User) => ({
    access: takeApart('access', access_token, server),
    refresh: takeApart('refresh', refresh_token, server),
  })
  const state = async () => ({
    sessions: await server.database.db.session.findMany({ orderBy: { id: 'asc' } }),
    events: await server.database.db.event.count(),
  })
  const refresh = (refresh_token: string) => server.send('POST', '/access_token', { body: { refresh_token } })

  async function isActive(token: string): Promise<boolean> {
    const { status, body } = await server.send('POST', '/verify_token', { body: { token } })
    expect(status).toBe(200)
    if (!body.active) expect(body).toEqual({ active: false })
    return body.active
  }

  const partsByKind = partsOf(user)
  // Otherwise all forged tokens would be refused for the same other reason.
  for (const kind of kinds) expect(forge(partsByKind[kind], {})).toBe(partsByKind[kind].genuine)

  return {
    user,
    partsByKind,
    otherUser: { user: otherUser, partsByKind: partsOf(otherUser) },
    isActive,
    async expectRefused(token, codes = /^401 (token_invalid|unauthenticated)$/) {
      const before = await state()
      expect(refusalOf(await server.send('GET', '/session', { token }))).toMatch(codes)
      expect(refusalOf(await refresh(token))).toMatch(codes)
      expect(await isActive(token)).toBe(false)
      expect(await state()).toEqual(before)
    },
    async expectAgreement(rows) {
      const disputed: string[] = []
      for (const { name, kind, make } of bothKinds(rows)) {
        const token = make(partsByKind[kind])
        const { jose, fastJwt } = await verdictsOfOthers(partsByKind[kind], token, server.now())
        if (!(jose && fastJwt) && (await isActive(token))) disputed.push(`${name} (${kind} token)`)
      }
      expect(disputed).toEqual([])
    },
    async expectUnharmed() {
      for (const { access_token, refresh_token } of [user, otherUser]) {
        expect((await server.send('GET', '/session', { token: access_token })).status).toBe(200)
        expect((await refresh(refresh_token)).status).toBe(200)
      }
    },
  }
}
