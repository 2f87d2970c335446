import type { AuthenticatedCaller, Caller } from '../../kernel/caller.ts'
import type { Database, Db, Session, User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock, TokenSigner } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { MailAllowances, Outbox } from '../mail/index.ts'
import { mayTell } from '../mail/index.ts'
import { sessionErrors } from './errors.ts'
import type { Gate } from './gates.ts'
import { sessionCopied } from './letters.ts'
import { findOrRefuse, isOurs, refuseEnded } from './liveness.ts'
import { accessTokenOf, pairOf } from './pair.ts'
import type { OurReading } from './reading.ts'
import { readBearer, readRefreshToken } from './reading.ts'
import type { TokenPair } from './schemas.ts'
import type { SessionOfUser, SessionStore } from './store.ts'

/** From one generation of a session's tokens to the next. */
export interface Rotation {
  /** Trades a refresh token for its successor. Throws why it cannot. */
  refresh(refreshToken: string, caller: Caller): Promise<{ pair: TokenPair; user: User }>
  /** An access token for a refresh token that stays what it is. Throws why there is none. */
  issueAccessToken(refreshToken: string, caller: Caller): Promise<string>
  /** The pair that follows the one of the caller's access token. */
  renew(caller: AuthenticatedCaller): Promise<TokenPair>
  /** The same inside a transaction: thrown out of it, the transaction does not happen. */
  renewIn(tx: Db, caller: AuthenticatedCaller): Promise<TokenPair>
  /** Whether refresh tokens of that generation are taken: it is the current one, or was until just now. */
  isTaken(generation: number, session: Session): boolean
}

export function createRotation({
  db,
  transaction,
  clock,
  signer,
  refreshGrace,
  gates,
  sessionsIn,
  allowancesIn,
  outboxIn,
  recordEvent,
}: Pick<Database, 'db' | 'transaction'> & {
  clock: Clock
  signer: TokenSigner
  /** Seconds during which the predecessor of the current refresh token still gets the current pair. */
  refreshGrace: number
  gates: readonly Gate[]
  sessionsIn: (db: Db) => SessionStore
  allowancesIn: (db: Db) => MailAllowances
  outboxIn: (db: Db) => Outbox
  recordEvent: EventRecorder
}): Rotation {
  const store = sessionsIn(db)

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

  /** The session of a refresh token that is taken. Throws why it is not, or what a gate says. */
  async function findCurrent({ state, claims }: OurReading, caller: Caller): Promise<SessionOfUser> {
    const session = await findOrRefuse(claims.sid, store)
    const presented = claims.generation
    if (!isOurs(claims, 'refresh', session)) throw new AuthError(sessionErrors.token_invalid)
    if (session.revokedReason === 'reuse_detected' && presented < session.generation) {
      throw new AuthError(sessionErrors.refresh_token_reused)
    }
    refuseEnded(session, clock.now(), sessionErrors.refresh_token_expired)
    const isFollowed = isJustFollowed(presented, session)
    if (!isFollowed && presented !== session.generation) return endCopied(session, caller)
    if (!isFollowed && state === 'expired') throw new AuthError(sessionErrors.refresh_token_expired)
    // Last, so that a copied token is found whatever the gates say.
    for (const gate of gates) gate(session.user, caller)
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
    const isFollowed = readBearer(caller, signer).generation < session.generation
    // To advance once more would make a copied token of the one that a faster request has just got.
    if (isFollowed && isInGrace(session)) return pairFor(session)
    const current = (await sessionsIn(tx).advance(session)) ?? (await findOrRefuse(session.id, sessionsIn(tx)))
    refuseEnded(current, clock.now(), sessionErrors.session_expired)
    return pairFor(current)
  }

  async function endCopied(session: SessionOfUser, caller: Caller): Promise<never> {
    const { userId, id: sessionId, user } = session
    await transaction(async (tx) => {
      if (!(await sessionsIn(tx).end(session, 'reuse_detected', caller))) return
      await recordEvent(tx, { type: 'refresh_token_reused', userId, sessionId }, caller)
      if (!(await mayTell(allowancesIn(tx), user))) return
      await outboxIn(tx).enqueue(sessionCopied, user.email, { at: clock.now().toUTCString(), ip: caller.ip })
    })
    throw new AuthError(sessionErrors.refresh_token_reused)
  }

  return {
    async refresh(refreshToken, caller) {
      return refresh(readRefreshToken(refreshToken, signer), caller)
    },

    async issueAccessToken(refreshToken, caller) {
      return issueAccessToken(readRefreshToken(refreshToken, signer), caller)
    },

    renew: (caller) => renewIn(db, caller),
    renewIn,

    isTaken: (generation, session) => generation === session.generation || isJustFollowed(generation, session),
  }
}
