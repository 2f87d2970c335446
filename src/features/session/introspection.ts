import type { Caller } from '../../kernel/caller.ts'
import type { Clock, TokenClaims, TokenKind, TokenSigner } from '../../kernel/ports.ts'
import type { DjangoTokenStore, DjangoTokens, TokenOfUser } from '../django-tokens/index.ts'
import type { Gates } from './gates.ts'
import type { Grace } from './grace.ts'
import type { TokenIntrospection } from './schemas.ts'
import { endReason, matchesSession } from './state.ts'
import type { SessionOfUser, SessionStore } from './store.ts'

/** What tokens stand for, for programs that ask and do not act. */
export interface Introspection {
  /** The user and session of a token, if it would be accepted now through the caller's contract. */
  introspect(token: string, caller: Caller): Promise<TokenIntrospection>
  /** The live session that a token of ours stands for, whatever the gates say. */
  findLiveByToken(token: string): Promise<LiveToken | undefined>
}

interface LiveToken {
  readonly kind: TokenKind
  readonly claims: TokenClaims
  readonly session: SessionOfUser
}

interface Needs {
  readonly ports: { readonly clock: Clock; readonly signer: TokenSigner }
  readonly stores: { readonly sessions: SessionStore; readonly djangoTokens: DjangoTokenStore }
  readonly gates: Gates
  readonly grace: Grace
  /** Absent: no token of Django is accepted. */
  readonly djangoTokens: DjangoTokens | undefined
  /** The kinds of tokens of Django that are accepted. */
  readonly djangoKinds: readonly TokenKind[]
}

const inactive = { active: false } as const

export function createIntrospection({ ports, stores, gates, grace, djangoTokens, djangoKinds }: Needs): Introspection {
  const { clock, signer } = ports

  async function findLiveByToken(token: string): Promise<LiveToken | undefined> {
    for (const kind of ['access', 'refresh'] as const) {
      const verification = signer.verify(kind, token)
      if (verification.state === 'expired') await grace.noteSeen(verification.claims)
      if (verification.state !== 'valid') continue
      const { claims } = verification
      const session = await stores.sessions.find(claims.sid)
      if (!session || endReason(session, clock.now())) break
      if (kind === 'refresh' && !grace.accepts(claims.generation, session)) break
      if (!matchesSession(claims, kind, session)) break
      await grace.noteSeen(claims, session)
      return { kind, claims, session }
    }
    return undefined
  }

  /** The session that a spent refresh token of Django stands for; null when it is not spent. Undefined when it is refused. */
  async function findSessionOf({ token }: TokenOfUser): Promise<SessionOfUser | null | undefined> {
    const spent = await stores.djangoTokens.find(token.jti)
    if (!spent) return (await djangoTokens?.isBlacklisted(token)) ? undefined : null
    const session = spent.sessionId === null ? null : await stores.sessions.find(spent.sessionId)
    if (!session || endReason(session, clock.now()) || !grace.accepts(spent.generation, session)) return undefined
    return session
  }

  async function introspectDjango(text: string, caller: Caller): Promise<TokenIntrospection> {
    for (const kind of djangoKinds) {
      const found = await djangoTokens?.find(kind, text)
      if (typeof found !== 'object') continue
      const { token, user, hasEnded } = found
      if (hasEnded || token.isExpired) break
      const session = kind === 'refresh' ? await findSessionOf(found) : null
      if (session === undefined) break
      const occasion = { occasion: 'introspect', user, ...(session && { session }), caller, passed: [] } as const
      if (!(await gates.letPass(occasion))) break
      const [iat, exp] = [token.issuedAt, token.expiresAt].map((instant) => Math.floor(instant.getTime() / 1000))
      const names = { sub: user.uuid, user_id: user.id, session_id: session?.id ?? null }
      return { active: true, token_type: kind, ...names, iat: iat as number, exp: exp as number }
    }
    return inactive
  }

  return {
    findLiveByToken,

    async introspect(token, caller) {
      const live = await findLiveByToken(token)
      if (!live) return introspectDjango(token, caller)
      const { user, ...session } = live.session
      const isAccepted = await gates.letPass({ occasion: 'introspect', user, session, caller, passed: [] })
      if (!isAccepted) return inactive
      const { sub, user_id, sid, iat, exp } = live.claims
      return { active: true, token_type: live.kind, sub, user_id, session_id: sid, iat, exp }
    },
  }
}
