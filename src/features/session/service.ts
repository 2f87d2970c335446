import { z } from 'zod'
import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import type { Database, Db, Session } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Clock, TokenClaims, TokenKind, TokenSigner } from '../../kernel/ports.ts'
import { sessionErrors } from './errors.ts'
import type { Gate } from './gates.ts'
import { passes } from './gates.ts'
import type { Grace } from './grace.ts'
import { createLiveSessions } from './list.ts'
import type { Rotation } from './rotation.ts'
import type { SessionPage, SessionReply, TokenIntrospection } from './schemas.ts'
import { endReason, findOrRefuse, matchesSession, refuseEnded } from './state.ts'
import type { SessionOfUser, SessionStore } from './store.ts'
import { verifyBearer, verifyRefreshToken } from './token-verification.ts'

/** Sessions and the tokens that are their image. */
export interface SessionService extends Rotation {
  /** The live session behind the bearer token. Throws why there is none or, unless the caller logs out, what a gate says. */
  authenticate(caller: Caller, options: { readonly logsOut: boolean }): Promise<AuthenticatedCaller>
  /** Throws inside a transaction if the caller's session has ended meanwhile. */
  confirmIn(tx: Db, caller: AuthenticatedCaller): Promise<void>
  /** What a token stands for, if it would be accepted now through the caller's contract. */
  introspect(token: string, caller: Caller): Promise<TokenIntrospection>
  /** The live session that a token stands for, whatever the gates say. */
  findLive(token: string): Promise<LiveToken | undefined>
  present(session: Session, current: Session): SessionReply
  /** A page of the caller's live sessions, newest first. Throws `cursor_invalid`. */
  list(
    page: { readonly cursor: string | undefined; readonly limit: number },
    caller: AuthenticatedCaller,
  ): Promise<SessionPage>
  /** Ends one of the caller's own live sessions. Throws `session_not_found`. */
  end(id: string, caller: AuthenticatedCaller): Promise<void>
  /** Ends every session that one of the given tokens stands for, living or not. Throws when no token is good for that. */
  logOut(refreshToken: string | undefined, caller: Caller): Promise<void>
  /** Ends all sessions of the caller and says how many lived. */
  logOutEverywhere(caller: AuthenticatedCaller): Promise<number>
}

interface LiveToken {
  readonly kind: TokenKind
  readonly claims: TokenClaims
  readonly session: SessionOfUser
}

export function createSessionService({
  db,
  transaction,
  clock,
  signer,
  gate,
  sessionsIn,
  grace,
  rotation,
}: Pick<Database, 'db' | 'transaction'> & {
  clock: Clock
  signer: TokenSigner
  gate: Gate
  sessionsIn: (db: Db) => SessionStore
  grace: Grace
  rotation: Rotation
}): SessionService {
  const store = sessionsIn(db)

  /** The claims of the access token that the caller shows. Throws why they cannot be believed. */
  async function claimsOfBearer(caller: Caller): Promise<TokenClaims> {
    const { state, claims } = verifyBearer(caller, signer)
    if (state === 'valid') return claims
    await grace.noteSeen(claims)
    throw new AuthError(sessionErrors.access_token_expired)
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
      last_ip: session.lastIp,
      last_user_agent: session.lastUserAgent,
      current: session.id === current.id,
    }
  }

  async function findLive(token: string): Promise<LiveToken | undefined> {
    for (const kind of ['access', 'refresh'] as const) {
      const reading = signer.verify(kind, token)
      if (reading.state === 'expired') await grace.noteSeen(reading.claims)
      if (reading.state !== 'valid') continue
      const { claims } = reading
      const session = await store.find(claims.sid)
      if (!session || endReason(session, clock.now())) break
      if (kind === 'refresh' && !grace.accepts(claims.generation, session)) break
      if (!matchesSession(claims, kind, session)) break
      await grace.noteSeen(claims, session)
      return { kind, claims, session }
    }
    return undefined
  }

  return {
    ...rotation,

    async authenticate(caller, { logsOut }) {
      const claims = await claimsOfBearer(caller)
      const found = await findOrRefuse(claims.sid, store)
      if (!matchesSession(claims, 'access', found)) throw new AuthError(sessionErrors.token_invalid)
      refuseEnded(found, clock.now(), sessionErrors.session_expired)
      await grace.noteSeen(claims, found)
      const { user, ...session } = found
      if (!logsOut) gate(user, caller)
      return { ...caller, session, user, generation: claims.generation }
    },

    async confirmIn(tx, { session }) {
      refuseEnded(await findOrRefuse(session.id, sessionsIn(tx)), clock.now(), sessionErrors.session_expired)
    },

    findLive,

    async introspect(token, caller) {
      const live = await findLive(token)
      if (!live || !passes(gate, live.session.user, caller)) return { active: false }
      const { sub, user_id, sid, iat, exp } = live.claims
      return { active: true, token_type: live.kind, sub, user_id, session_id: sid, iat, exp }
    },

    present,

    async list(place, { session: current }) {
      const live = createLiveSessions({ db, clock })
      const { sessions, nextCursor } = await live.page(current, place)
      const total = await live.count(current)
      return { sessions: sessions.map((session) => present(session, current)), total, next_cursor: nextCursor }
    },

    async end(id, caller) {
      const session = { id, userId: caller.user.id }
      const ended =
        z.uuid().safeParse(id).success &&
        (await transaction((tx) => sessionsIn(tx).end(session, 'ended_by_user', caller)))
      if (!ended) throw new AuthError(sessionErrors.session_not_found)
    },

    async logOut(refreshToken, caller) {
      const shown =
        refreshToken === undefined ? [await claimsOfBearer(caller)] : [verifyRefreshToken(refreshToken, signer).claims]
      // Who shows both means to leave with both, even if they are of two sessions.
      if (refreshToken !== undefined && caller.bearer !== undefined) {
        const reading = signer.verify('access', caller.bearer)
        if (reading.state === 'valid') shown.push(reading.claims)
      }
      for (const { sid, user_id } of shown) {
        await transaction((tx) => sessionsIn(tx).end({ id: sid, userId: user_id }, 'logout', caller))
      }
    },

    logOutEverywhere: (caller) => transaction((tx) => sessionsIn(tx).endAllOf(caller.user.id, 'logout', caller)),
  }
}
