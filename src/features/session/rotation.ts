import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import type { Database, Db, User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, TokenKind, TokenSigner } from '../../kernel/ports.ts'
import type { Notify } from '../mail/index.ts'
import { sessionErrors } from './errors.ts'
import type { Gate } from './gates.ts'
import type { Grace } from './grace.ts'
import { sessionCopied } from './mail-templates.ts'
import type { TokenPair } from './schemas.ts'
import { findOrRefuse, matchesSession, refuseEnded } from './state.ts'
import type { SessionOfUser, SessionStore } from './store.ts'
import { accessTokenOf, tokenPair } from './token-pair.ts'
import type { VerifiedToken } from './token-verification.ts'
import { verifyRefreshToken } from './token-verification.ts'

/** From one generation of a session's tokens to the next. */
export interface Rotation {
  /** Trades a refresh token for its successor. Throws why it cannot. */
  refresh(refreshToken: string, caller: Caller): Promise<{ pair: TokenPair; user: User }>
  /** An access token for a refresh token that stays what it is. Throws why there is none. */
  issueAccessToken(refreshToken: string, caller: Caller): Promise<string>
  /** The pair that follows the one of the caller's access token. Throws why there is none; a copied token ends the session. */
  renew(caller: AuthenticatedCaller): Promise<TokenPair>
  /**
   * Another pair inside a transaction: thrown out of it, the transaction does not happen. The caller has proven more than an access
   * token, so one that was replaced is good for as long as it lives.
   */
  renewIn(tx: Db, caller: AuthenticatedCaller): Promise<TokenPair>
}

export function createRotation({
  db,
  transaction,
  clock,
  signer,
  grace,
  tokensByBearer,
  gate,
  sessionsIn,
  notify,
  recordEvent,
}: Pick<Database, 'db' | 'transaction'> & {
  clock: Clock
  signer: TokenSigner
  grace: Grace
  /** Whether an access token is enough for the next pair. */
  tokensByBearer: boolean
  gate: Gate
  sessionsIn: (db: Db) => SessionStore
  notify: Notify
  recordEvent: EventRecorder
}): Rotation {
  const store = sessionsIn(db)

  function pairFor(session: SessionOfUser, issuedAt?: Date): TokenPair {
    return tokenPair(session, session.user, signer, issuedAt)
  }

  /** The session of a refresh token that is taken. Throws why it is not, or what a gate says. */
  async function findCurrent({ state, claims }: VerifiedToken, caller: Caller): Promise<SessionOfUser> {
    const session = await findOrRefuse(claims.sid, store)
    const presented = claims.generation
    if (!matchesSession(claims, 'refresh', session)) throw new AuthError(sessionErrors.token_invalid)
    if (session.revokedReason === 'reuse_detected' && presented < session.generation) {
      throw new AuthError(sessionErrors.refresh_token_reused)
    }
    refuseEnded(session, clock.now(), sessionErrors.refresh_token_expired)
    const isRepeated = grace.coversPredecessor(presented, session)
    if (!grace.accepts(presented, session)) return endCopied(session, 'refresh', caller)
    if (!isRepeated && state === 'expired') throw new AuthError(sessionErrors.refresh_token_expired)
    // Last, so that a copied token is found whatever the gates say.
    gate(session.user, caller)
    return session
  }

  async function refresh(reading: VerifiedToken, caller: Caller): Promise<{ pair: TokenPair; user: User }> {
    const session = await findCurrent(reading, caller)
    const { generation } = reading.claims
    if (generation < session.generation) {
      // Byte for byte in the grace window; later the access token of that answer may have expired.
      const issuedAt = grace.coversPredecessor(generation, session) ? undefined : clock.now()
      return { pair: pairFor(session, issuedAt), user: session.user }
    }
    const next = await store.advance(session, caller)
    // A loser looks again: the row now tells who was faster, another refresh or a logout.
    return next ? { pair: pairFor(next), user: next.user } : refresh(reading, caller)
  }

  async function issueAccessToken(reading: VerifiedToken, caller: Caller): Promise<string> {
    const session = await findCurrent(reading, caller)
    const isSeen = reading.claims.generation === session.generation
    if (!(await store.use(session, caller, isSeen))) return issueAccessToken(reading, caller)
    return accessTokenOf(session, session.user, signer, clock.now())
  }

  async function renew(session: SessionOfUser, generation: number, caller: Caller): Promise<TokenPair> {
    if (generation === session.generation) {
      const next = await store.advance(session, caller, { byAccessToken: true })
      if (next) return pairFor(next)
      return renew(await findLive(db, session.id), generation, caller)
    }
    if (!grace.coversPredecessor(generation, session)) return endCopied(session, 'access', caller)
    const { userId, id: sessionId } = session
    await recordEvent(db, { type: 'renewed_with_access_token', userId, sessionId, details: { repeated: true } }, caller)
    return pairFor(session)
  }

  async function renewIn(tx: Db, caller: AuthenticatedCaller): Promise<TokenPair> {
    const session = { ...caller.session, user: caller.user }
    const isFollowed = caller.generation < session.generation
    // To advance once more would make a copied token of the one that a faster request has just got.
    const isDone = isFollowed && grace.isWithinGrace(session)
    // Final, as a changed password shuts out whoever has copied the tokens before it.
    const current = isDone ? undefined : await sessionsIn(tx).advance(session, caller, { isFinal: true })
    return pairFor(current ?? (await findLive(tx, session.id)))
  }

  async function findLive(tx: Db, id: string): Promise<SessionOfUser> {
    const session = await findOrRefuse(id, sessionsIn(tx))
    refuseEnded(session, clock.now(), sessionErrors.session_expired)
    return session
  }

  /** Ends the session of a token that two parties have. */
  async function endCopied(session: SessionOfUser, token: TokenKind, caller: Caller): Promise<never> {
    const { userId, id: sessionId, user } = session
    await transaction(async (tx) => {
      if (!(await sessionsIn(tx).end(session, 'reuse_detected', caller))) return
      await recordEvent(tx, { type: 'refresh_token_reused', userId, sessionId, details: { token } }, caller)
      await notify(tx, sessionCopied, user, { ip: caller.ip })
    })
    throw new AuthError(sessionErrors.refresh_token_reused)
  }

  return {
    async refresh(refreshToken, caller) {
      return refresh(verifyRefreshToken(refreshToken, signer), caller)
    },

    async issueAccessToken(refreshToken, caller) {
      return issueAccessToken(verifyRefreshToken(refreshToken, signer), caller)
    },

    async renew(caller) {
      if (!tokensByBearer) throw new AuthError(sessionErrors.renewal_by_access_token_disabled)
      return renew({ ...caller.session, user: caller.user }, caller.generation, caller)
    },
    renewIn,
  }
}
