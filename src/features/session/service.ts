import { z } from 'zod'
import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import type { Database, Db, Session, User } from '../../kernel/db.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, TokenClaims, TokenReading, TokenSigner } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { Outbox } from '../mail/index.ts'
import { sessionErrors } from './errors.ts'
import { sessionCopied } from './letters.ts'
import { endOf, isOurs, refuseEnded } from './liveness.ts'
import { accessTokenOf, pairOf } from './pair.ts'
import type { SessionReply, TokenFacts, TokenPair } from './schemas.ts'
import type { SessionOfUser, SessionStore } from './store.ts'

type OurReading = Exclude<TokenReading, { state: 'invalid' }>

/** Sessions and the tokens that are their image. */
export interface SessionService {
  /** The live session behind the bearer token. Throws why there is none. */
  authenticate(caller: Caller): Promise<AuthenticatedCaller>
  /** Trades a refresh token for its successor. Throws why it cannot. */
  refresh(refreshToken: string, caller: Caller): Promise<{ pair: TokenPair; user: User }>
  /** An access token for a refresh token that stays what it is. Throws why there is none. */
  issueAccessToken(refreshToken: string, caller: Caller): Promise<string>
  /** The pair that follows the one of the caller's access token. */
  renew(caller: AuthenticatedCaller): Promise<TokenPair>
  /** The same inside a transaction: thrown out of it, the transaction does not happen. */
  renewIn(tx: Db, caller: AuthenticatedCaller): Promise<TokenPair>
  /** Throws inside a transaction if the caller's session has ended meanwhile. */
  confirmIn(tx: Db, caller: AuthenticatedCaller): Promise<void>
  /** What a token stands for, if it would be accepted now. */
  introspect(token: string): Promise<TokenFacts>
  present(session: Session, current: Session): SessionReply
  /** The newest live sessions of the caller, the current one among them, newest first. */
  listOf(caller: AuthenticatedCaller): Promise<SessionReply[]>
  /** Ends one of the caller's own live sessions. Throws `session_not_found`. */
  end(id: string, caller: AuthenticatedCaller): Promise<void>
  /** Ends every session that one of the given tokens stands for, living or not. Throws when no token is good for that. */
  logOut(refreshToken: string | undefined, caller: Caller): Promise<void>
  /** Ends all sessions of the caller and says how many lived. */
  logOutEverywhere(caller: AuthenticatedCaller): Promise<number>
}

export function createSessionService({
  db,
  transaction,
  clock,
  signer,
  refreshGrace,
  sessionsIn,
  outboxIn,
  recordEvent,
}: Pick<Database, 'db' | 'transaction'> & {
  clock: Clock
  signer: TokenSigner
  /** Seconds during which the predecessor of the current refresh token still gets the current pair. */
  refreshGrace: number
  sessionsIn: (db: Db) => SessionStore
  outboxIn: (db: Db) => Outbox
  recordEvent: EventRecorder
}): SessionService {
  const store = sessionsIn(db)

  async function find(id: string, from = store): Promise<SessionOfUser> {
    const session = await from.find(id)
    if (!session) throw new AuthError(sessionErrors.session_revoked)
    return session
  }

  function pairFor(session: SessionOfUser): TokenPair {
    return pairOf(session, session.user, signer)
  }

  function isInGrace({ rotatedAt }: Session): boolean {
    return clock.now() < secondsAfter(rotatedAt, refreshGrace)
  }

  /** Whether that generation was the current one until just now. */
  function isJustFollowed(generation: number, session: Session): boolean {
    return generation === session.generation - 1 && isInGrace(session)
  }

  /** The session of a refresh token that is the current one, or was until just now. Throws why it is neither. */
  async function findCurrent({ state, claims }: OurReading, caller: Caller): Promise<SessionOfUser> {
    const session = await find(claims.sid)
    const presented = claims.generation
    if (!isOurs(claims, 'refresh', session)) throw new AuthError(sessionErrors.token_invalid)
    if (session.revokedReason === 'reuse_detected' && presented < session.generation) {
      throw new AuthError(sessionErrors.refresh_token_reused)
    }
    refuseEnded(session, clock.now(), sessionErrors.refresh_token_expired)
    const isFollowed = isJustFollowed(presented, session)
    if (!isFollowed && presented !== session.generation) return endCopied(session, caller)
    if (!isFollowed && state === 'expired') throw new AuthError(sessionErrors.refresh_token_expired)
    return session
  }

  async function refresh(reading: OurReading, caller: Caller): Promise<{ pair: TokenPair; user: User }> {
    const session = await findCurrent(reading, caller)
    const isFollowed = reading.claims.generation < session.generation
    // A loser looks again: the row now tells who was faster, another refresh or a logout.
    const current = isFollowed ? session : await store.advance(session)
    return current ? { pair: pairFor(current), user: current.user } : refresh(reading, caller)
  }

  async function issueAccessToken(reading: OurReading, caller: Caller): Promise<string> {
    const session = await findCurrent(reading, caller)
    if (!(await store.use(session))) return issueAccessToken(reading, caller)
    return accessTokenOf(session, session.user, signer, clock.now())
  }

  async function renewIn(tx: Db, caller: AuthenticatedCaller): Promise<TokenPair> {
    const session = { ...caller.session, user: caller.user }
    const isFollowed = readBearer(caller).generation < session.generation
    // To advance once more would make a copied token of the one that a faster request has just got.
    if (isFollowed && isInGrace(session)) return pairFor(session)
    const current = (await sessionsIn(tx).advance(session)) ?? (await find(session.id, sessionsIn(tx)))
    refuseEnded(current, clock.now(), sessionErrors.session_expired)
    return pairFor(current)
  }

  async function endCopied(session: SessionOfUser, caller: Caller): Promise<never> {
    const { userId, id: sessionId, user } = session
    await transaction(async (tx) => {
      if (!(await sessionsIn(tx).end(session, 'reuse_detected', caller))) return
      await recordEvent(tx, { type: 'refresh_token_reused', userId, sessionId }, caller)
      await outboxIn(tx).enqueue(sessionCopied, user.email, { at: clock.now().toUTCString(), ip: caller.ip })
    })
    throw new AuthError(sessionErrors.refresh_token_reused)
  }

  function present(session: Session, current: Session): SessionReply {
    return {
      id: session.id,
      created_at: session.createdAt.toISOString(),
      last_used_at: session.lastUsedAt.toISOString(),
      expires_at: session.expiresAt.toISOString(),
      ends_at: session.endsAt.toISOString(),
      ip: session.ip,
      user_agent: session.userAgent,
      current: session.id === current.id,
    }
  }

  /** The claims of the access token that the caller shows. Throws why they cannot be believed. */
  function readBearer({ bearer }: Caller): TokenClaims {
    if (bearer === undefined) throw new AuthError(requestErrors.unauthenticated)
    const reading = signer.read('access', bearer)
    if (reading.state === 'invalid') throw new AuthError(sessionErrors.token_invalid)
    if (reading.state === 'expired') throw new AuthError(sessionErrors.access_token_expired)
    return reading.claims
  }

  /** What a refresh token of ours says. One that has expired can still be a copy, or be logged out. */
  function readRefreshToken(token: string): OurReading {
    const reading = signer.read('refresh', token)
    if (reading.state === 'invalid') throw new AuthError(sessionErrors.token_invalid)
    return reading
  }

  return {
    async authenticate(caller) {
      const claims = readBearer(caller)
      const found = await find(claims.sid)
      if (!isOurs(claims, 'access', found)) throw new AuthError(sessionErrors.token_invalid)
      refuseEnded(found, clock.now(), sessionErrors.session_expired)
      const { user, ...session } = found
      return { ...caller, session, user }
    },

    async refresh(refreshToken, caller) {
      return refresh(readRefreshToken(refreshToken), caller)
    },

    async issueAccessToken(refreshToken, caller) {
      return issueAccessToken(readRefreshToken(refreshToken), caller)
    },

    renew: (caller) => renewIn(db, caller),
    renewIn,

    async confirmIn(tx, { session }) {
      refuseEnded(await find(session.id, sessionsIn(tx)), clock.now(), sessionErrors.session_expired)
    },

    async introspect(token) {
      for (const kind of ['access', 'refresh'] as const) {
        const reading = signer.read(kind, token)
        if (reading.state !== 'valid') continue
        const { sid, sub, user_id, generation, iat, exp } = reading.claims
        const session = await store.find(sid)
        if (!session || endOf(session, clock.now())) break
        if (kind === 'refresh' && generation !== session.generation && !isJustFollowed(generation, session)) break
        if (!isOurs(reading.claims, kind, session)) break
        return { active: true, token_type: kind, sub, user_id, session_id: sid, iat, exp }
      }
      return { active: false }
    },

    present,

    async listOf({ session: current }) {
      const sessions = await store.listLive(current)
      return sessions.map((session) => present(session, current))
    },

    async end(id, caller) {
      const session = { id, userId: caller.user.id }
      const ended =
        z.uuid().safeParse(id).success &&
        (await transaction((tx) => sessionsIn(tx).end(session, 'ended_by_user', caller)))
      if (!ended) throw new AuthError(sessionErrors.session_not_found)
    },

    async logOut(refreshToken, caller) {
      const shown = refreshToken === undefined ? [readBearer(caller)] : [readRefreshToken(refreshToken).claims]
      // Who shows both means to leave with both, even if they are of two sessions.
      if (refreshToken !== undefined && caller.bearer !== undefined) {
        const reading = signer.read('access', caller.bearer)
        if (reading.state === 'valid') shown.push(reading.claims)
      }
      for (const { sid, user_id } of shown) {
        await transaction((tx) => sessionsIn(tx).end({ id: sid, userId: user_id }, 'logout', caller))
      }
    },

    logOutEverywhere: (caller) => transaction((tx) => sessionsIn(tx).endAllOf(caller.user.id, 'logout', caller)),
  }
}
