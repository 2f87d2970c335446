import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Events } from '../../kernel/events.ts'
import type { Ports, TokenKind } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { Notices } from '../mail/index.ts'
import { sessionErrors } from './errors.ts'
import { sessionEvents } from './events.ts'
import type { Gates } from './gates.ts'
import type { Grace } from './grace.ts'
import { sessionCopied } from './mail-templates.ts'
import type { PresentedToken } from './presented-token.ts'
import type { TokenPair } from './schemas.ts'
import { findById, findLiveById, refuseEnded } from './state.ts'
import type { SessionOfUser, SessionStore } from './store.ts'
import { accessTokenOf, tokenPair } from './token-pair.ts'
import type { PresentToken } from './token-verification.ts'

/** From one generation of a session's tokens to the next. */
export interface Rotation {
  /** Trades a refresh token for its successor. Throws why it cannot. */
  refresh(refreshToken: string, caller: Caller): Promise<{ pair: TokenPair; user: User }>
  /** An access token for a refresh token that is not replaced. Throws why there is none. */
  issueAccessToken(refreshToken: string, caller: Caller): Promise<string>
  /** The pair that follows the one of the caller's access token. Throws why there is none; a copied token ends the session. */
  renew(caller: AuthenticatedCaller): Promise<TokenPair>
  /**
   * The next pair, as a part of the caller's transaction: what it throws rolls the transaction back. The caller has proven
   * more than an access token, so a replaced access token is good for as long as it lives.
   */
  renewWithin(stores: Pick<SessionStores, 'sessions'>, caller: AuthenticatedCaller): Promise<TokenPair>
}

export interface SessionStores {
  readonly sessions: SessionStore
  readonly events: Events
  readonly notices: Notices
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'signer'>
  readonly work: UnitOfWork<SessionStores>
  readonly gates: Gates
  readonly grace: Grace
  readonly present: PresentToken
  /** Whether an access token is enough for the next pair. */
  readonly tokensByBearer: boolean
  /** Whether it is noted when the first token of a generation comes back. */
  readonly watchesTokens: boolean
}

export function createRotation({
  ports: { clock, signer },
  work: { stores, transaction },
  gates,
  grace,
  present,
  tokensByBearer,
  watchesTokens,
}: Needs): Rotation {
  function pairFor(session: SessionOfUser, issuedAt?: Date): TokenPair {
    return tokenPair(session, session.user, signer, issuedAt)
  }

  /** The session of a refresh token that is accepted. Throws why it is not, or what a gate says. */
  async function findCurrent(token: PresentedToken, caller: Caller): Promise<SessionOfUser> {
    const { state, sid, generation: presented } = token
    const session = await findById(sid, stores.sessions)
    if (!token.matches(session)) throw new AuthError(sessionErrors.token_invalid)
    if (session.revokedReason === 'reuse_detected' && presented < session.generation) {
      throw new AuthError(sessionErrors.refresh_token_reused)
    }
    refuseEnded(session, clock.now(), sessionErrors.refresh_token_expired)
    const isRepeated = grace.coversPredecessor(presented, session)
    if (!grace.accepts(presented, session)) return endCopied(session, 'refresh', caller)
    if (!isRepeated && state === 'expired') throw new AuthError(sessionErrors.refresh_token_expired)
    // Last, so that a copied token is found whatever the gates answer.
    await gates.pass({ occasion: 'renew', user: session.user, session, caller, passed: [] })
    return session
  }

  async function refresh(token: PresentedToken, caller: Caller): Promise<{ pair: TokenPair; user: User }> {
    const session = await findCurrent(token, caller)
    const { generation } = token
    if (generation < session.generation) {
      // Byte for byte in the grace window; later the access token of that answer may have expired.
      const issuedAt = grace.coversPredecessor(generation, session) ? undefined : clock.now()
      return { pair: pairFor(session, issuedAt), user: session.user }
    }
    const next = await stores.sessions.rotate(session, caller, { unseen: watchesTokens })
    // The race is lost: the row now shows what was faster, another refresh or a logout.
    return next ? { pair: pairFor(next), user: next.user } : refresh(token, caller)
  }

  async function issueAccessToken(token: PresentedToken, caller: Caller): Promise<string> {
    const session = await findCurrent(token, caller)
    const isSeen = token.generation === session.generation
    if (!(await stores.sessions.touch(session, caller, { isSeen }))) return issueAccessToken(token, caller)
    return accessTokenOf(session, session.user, signer, clock.now())
  }

  async function renew(session: SessionOfUser, generation: number, caller: Caller): Promise<TokenPair> {
    const event = { type: sessionEvents.renewed_with_access_token, userId: session.userId, sessionId: session.id }
    if (generation === session.generation) {
      const next = await transaction(async ({ sessions, events }) => {
        const rotated = await sessions.rotate(session, caller, { unseen: watchesTokens })
        if (rotated) await events.record(event, caller)
        return rotated
      })
      if (next) return pairFor(next)
      return renew(await findLiveById(session.id, stores.sessions, clock.now()), generation, caller)
    }
    if (!grace.coversPredecessor(generation, session)) return endCopied(session, 'access', caller)
    await stores.events.record({ ...event, details: { repeated: true } }, caller)
    return pairFor(session)
  }

  /** Ends the session of a copied token. */
  async function endCopied(session: SessionOfUser, token: TokenKind, caller: Caller): Promise<never> {
    const { userId, id: sessionId, user } = session
    await transaction(async ({ sessions, events, notices }) => {
      if (!(await sessions.end(session, 'reuse_detected', caller))) return
      await events.record({ type: sessionEvents.refresh_token_reused, userId, sessionId, details: { token } }, caller)
      await notices.send(sessionCopied, user, { ip: caller.ip })
    })
    throw new AuthError(sessionErrors.refresh_token_reused)
  }

  return {
    async refresh(refreshToken, caller) {
      const token = await present(refreshToken, 'pair', caller)
      const { opened } = token
      return opened ? { pair: pairFor(opened), user: opened.user } : refresh(token, caller)
    },

    async issueAccessToken(refreshToken, caller) {
      return issueAccessToken(await present(refreshToken, 'access', caller), caller)
    },

    async renew(caller) {
      if (!tokensByBearer) throw new AuthError(sessionErrors.renewal_by_access_token_disabled)
      const { session, user, generation } = caller
      await gates.pass({ occasion: 'renew', user, session, caller, passed: [] })
      return renew({ ...session, user }, generation, caller)
    },

    async renewWithin({ sessions }, caller) {
      const session = { ...caller.session, user: caller.user }
      const isFollowed = caller.generation < session.generation
      // Another rotation would make the token that a faster request has just got look like a copy.
      const isDone = isFollowed && grace.isWithinGrace(session)
      // Not watched, so no later retry is forgiven: a changed password has to shut out copies of the earlier tokens.
      const next = isDone ? undefined : await sessions.rotate(session, caller, { unseen: false })
      return pairFor(next ?? (await findLiveById(session.id, sessions, clock.now())))
    },
  }
}
