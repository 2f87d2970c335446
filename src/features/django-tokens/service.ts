import type { User } from '../../kernel/db.ts'
import type { Django, DjangoToken } from '../../kernel/django.ts'
import type { Ports, TokenKind } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { DjangoTokenOutcome } from './counters.ts'
import { djangoTokenCounter } from './counters.ts'
import type { DjangoTokenStore } from './store.ts'

/** Tokens of Django: who they are of, and that each refresh token is spent once. */
export interface DjangoTokens {
  /** The token and its user; or that it is no token of this kind, or of a user who was not imported. */
  find(kind: TokenKind, text: string): Promise<TokenOfUser | 'unknown' | 'unknown_user'>
  /** Whether the token is on the blacklist of Django, where that can be asked. */
  isBlacklisted(token: DjangoToken): Promise<boolean>
  /** Spends the token at Django and does the work. Undefined, and nothing is done, when it is spent there already. */
  spend<Result>(token: DjangoToken, work: () => Promise<Result>): Promise<Result | undefined>
  /** Counts it for operators. */
  count(outcome: DjangoTokenOutcome): void
}

export interface TokenOfUser {
  readonly token: DjangoToken
  readonly user: User
  /** Whether the user is disabled, or all sessions were ended since the token was issued, or in the same second. */
  readonly hasEnded: boolean
}

interface Needs {
  readonly ports: Pick<Ports, 'meter'>
  readonly work: Pick<UnitOfWork<{ readonly djangoTokens: DjangoTokenStore }>, 'stores'>
  readonly django: Django
}

export function createDjangoTokens({ ports: { meter }, work: { stores }, django }: Needs): DjangoTokens {
  const { tokens, blacklist } = django

  return {
    async find(kind, text) {
      const token = tokens.verify(kind, text)
      if (!token) return 'unknown'
      const user = await stores.djangoTokens.findUser(token.djangoUserId)
      if (!user) return 'unknown_user'
      const { disabledAt, epochBeganAt } = user
      const isOlder = epochBeganAt !== null && token.issuedAt <= epochBeganAt
      return { token, user, hasEnded: disabledAt !== null || isOlder }
    },

    isBlacklisted: async ({ jti }) => blacklist !== undefined && (await blacklist.has(jti)),
    spend: async (token, work) => (blacklist ? blacklist.add(token, work) : work()),
    count: (outcome) => meter.count(djangoTokenCounter, outcome),
  }
}
