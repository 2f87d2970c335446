import type { Caller, ReadingCaller } from '../../kernel/caller.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Events } from '../../kernel/events.ts'
import type { Clock, TokenKind } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { DjangoTokenStore, DjangoTokens, SpentToken, TokenOfUser } from '../django-tokens/index.ts'
import { djangoTokenEvents } from '../django-tokens/index.ts'
import { sessionErrors } from './errors.ts'
import type { Gates } from './gates.ts'
import { newSession } from './new-session.ts'
import type { Follows, PresentedToken } from './presented-token.ts'
import { createSessionId } from './session-id.ts'
import type { SessionOfUser, SessionStore } from './store.ts'

/** Refresh tokens of Django: each is swapped for one session. */
export interface DjangoSwap {
  /** What the token stands for; it opens a session when it is presented first. Undefined when it is none of Django. */
  present(text: string, follows: Follows, caller: Caller): Promise<PresentedToken | undefined>
  /** Ends the session of the token, or puts it on the blacklist where it has none; false when it is none of Django. */
  logOut(text: string, caller: Caller): Promise<boolean>
  /** The caller with the user of an access token; undefined when it is none of Django. Throws why it is not accepted, or what a gate says. */
  read(text: string, caller: Caller): Promise<ReadingCaller | undefined>
}

/** How a spent token counts, as a generation of the tokens of its session: before the first one, or as that one. */
const generationOf = { pair: -1, access: 0 }

interface Needs {
  readonly clock: Clock
  readonly work: UnitOfWork<{
    readonly sessions: SessionStore
    readonly djangoTokens: DjangoTokenStore
    readonly events: Events
  }>
  readonly gates: Gates
  readonly djangoTokens: DjangoTokens
  readonly sessionsPerUser: number
  readonly watchesTokens: boolean
}

export function createDjangoSwap({
  clock,
  work: { stores, transaction },
  gates,
  djangoTokens,
  sessionsPerUser,
  watchesTokens,
}: Needs): DjangoSwap {
  function refuse(outcome: 'ended' | 'expired' | 'blacklisted', error: keyof typeof sessionErrors): never {
    djangoTokens.count(outcome)
    throw new AuthError(sessionErrors[error])
  }

  async function find(kind: TokenKind, text: string): Promise<TokenOfUser | undefined> {
    const found = await djangoTokens.find(kind, text)
    if (typeof found === 'object') return found
    djangoTokens.count(found)
    return undefined
  }

  function presentSpent({ token, user }: TokenOfUser, { sessionId, generation }: SpentToken): PresentedToken {
    if (sessionId === null) return refuse('blacklisted', 'session_revoked')
    djangoTokens.count('used_again')
    return {
      state: token.isExpired ? 'expired' : 'valid',
      sid: sessionId,
      generation,
      matches: (session) => session.userId === user.id,
    }
  }

  /** Undefined when the token was spent meanwhile. */
  async function open({ token, user }: TokenOfUser, follows: Follows, caller: Caller) {
    const ofLogin = newSession(user, caller, clock.now())
    const stays = follows === 'access'
    const endsAt = stays ? token.expiresAt : ofLogin.endsAt
    const session = {
      ...ofLogin,
      id: createSessionId(endsAt),
      authenticated: false,
      unseen: watchesTokens && !stays,
      ...(stays && { endsAt, expiresAt: endsAt }),
    }
    return transaction(async (within): Promise<SessionOfUser | undefined> => {
      const place = { sessionId: session.id, generation: generationOf[follows] }
      if (!(await within.djangoTokens.swap(token, place))) return undefined
      const swap = { session, user, tokenIssuedAt: token.issuedAt, stays, sessionsPerUser }
      return (await within.sessions.openForDjango(swap, caller)) ?? refuse('ended', 'session_revoked')
    })
  }

  return {
    async present(text, follows, caller) {
      const found = await find('refresh', text)
      if (!found) return undefined
      const { token, user } = found
      if (found.hasEnded) return refuse('ended', 'session_revoked')
      const spent = await stores.djangoTokens.find(token.jti)
      if (spent) return presentSpent(found, spent)
      if (token.isExpired) return refuse('expired', 'refresh_token_expired')
      await gates.pass({ occasion: 'open', user, caller, passed: [] })
      const opened = await djangoTokens.spend(token, () => open(found, follows, caller))
      if (opened) {
        djangoTokens.count('swapped')
        const place = { sid: opened.id, generation: generationOf[follows] }
        return { state: 'valid', ...place, matches: () => true, opened }
      }
      // A faster request has spent it, or Django has.
      const swapped = await stores.djangoTokens.find(token.jti)
      return swapped ? presentSpent(found, swapped) : refuse('blacklisted', 'session_revoked')
    },

    async logOut(text, caller) {
      const found = await find('refresh', text)
      if (!found) return false
      const { token, user } = found
      const isSpent = (await stores.djangoTokens.find(token.jti)) !== null
      if (!isSpent && !token.isExpired) {
        await djangoTokens.spend(token, () =>
          transaction(async (within) => {
            if (!(await within.djangoTokens.blacklist(token))) return
            const event = { type: djangoTokenEvents.django_token_blacklisted, userId: user.id }
            await within.events.record(event, caller)
          }),
        )
      }
      // Read anew: a faster request may have swapped it.
      const spent = await stores.djangoTokens.find(token.jti)
      if (spent?.sessionId) await stores.sessions.end({ id: spent.sessionId, userId: user.id }, 'logout', caller)
      return true
    },

    async read(text, caller) {
      const found = await find('access', text)
      if (!found) return undefined
      if (found.hasEnded) return refuse('ended', 'session_revoked')
      if (found.token.isExpired) return refuse('expired', 'access_token_expired')
      await gates.pass({ occasion: 'use', user: found.user, caller, passed: [] })
      djangoTokens.count('read')
      return { ...caller, user: found.user, session: undefined }
    },
  }
}
