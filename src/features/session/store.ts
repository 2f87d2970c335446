import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Db, Session, Sql, User } from '../../kernel/db.ts'
import { deleteSome, sql } from '../../kernel/db.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/ports.ts'
import { earlier, secondsAfter } from '../../kernel/time.ts'
import type { UserStore } from '../user/index.ts'
import type { Gate } from './gates.ts'
import { createLiveSessions } from './list.ts'

type EndReason = 'logout' | 'ended_by_user' | 'password_changed' | 'password_reset' | 'reuse_detected' | 'displaced'

/** Where tokens are asked for from. */
type Place = Pick<Caller, 'ip' | 'userAgent'>

export type SessionOfUser = Session & { readonly user: User }

/** The table of sessions, on the whole database or inside one transaction. */
export interface SessionStore {
  /**
   * Opens a session; nothing else does. Beyond the ceiling the user's longest idle sessions end, however many logins race.
   * `proof` holds the parts of a WITH clause of which the last is called `proof`. Undefined when the proof returns no row, or
   * the user is gone or disabled. Throws what the gates throw.
   */
  open(user: User, caller: Caller, proof?: Sql): Promise<SessionOfUser | undefined>
  /** The session, living or not, with its user. */
  find(id: string): Promise<SessionOfUser | null>
  /**
   * The session in its next generation; undefined when it is not in the presented one any more, or was ended. By an access token, it is
   * recorded that this was enough; when it is final, the answer counts as seen, so no later retry is forgiven.
   */
  advance(
    session: SessionOfUser,
    caller: Caller,
    how?: { readonly byAccessToken?: boolean; readonly isFinal?: boolean },
  ): Promise<SessionOfUser | undefined>
  /** Notes that the session is used now and from where, and perhaps seen; false when it is not in that generation any more, or was ended. */
  use(session: Session, place: Place, isSeen: boolean): Promise<boolean>
  /** Notes that a token of that generation has come back. */
  noteSeen(id: string, generation: number): Promise<void>
  /** Ends the live sessions of the user, but for one if asked, in the same time however many there are; says how many, up to 10,000. */
  endAllOf(userId: number, reason: EndReason, caller: Caller, options?: { except: string }): Promise<number>
  /** Ends the user's session if it lives; says whether it did. */
  end(session: { id: string; userId: number }, reason: EndReason, caller: Caller): Promise<boolean>
  /** Deletes some of the sessions that were over before that instant, or clears the mark of a user whose earlier epochs are all deleted; says how many rows. */
  deleteEnded(before: Date): Promise<number>
}

const provenBefore = sql`proof AS (SELECT)`
/** Whether the session is of its user's current epoch. `<=`: a statement that waited for the session's row sees its new epoch, and the user's old one. */
const isOfPresentEpoch = sql`EXISTS (
  SELECT FROM users WHERE users.id = sessions.user_id AND users.session_epoch <= sessions.epoch)`

export function createSessionStore({
  db,
  users,
  clock,
  gate,
  recordEvent,
  sessionsPerUser,
  watchesTokens,
}: {
  db: Db
  users: UserStore
  clock: Clock
  gate: Gate
  recordEvent: EventRecorder
  /** How many sessions of a user may live at once. */
  sessionsPerUser: number
  /** Whether it is noted when the first token of a generation comes back. */
  watchesTokens: boolean
}): SessionStore {
  const live = createLiveSessions({ db, clock })

  return {
    async open(user, caller, proof = provenBefore) {
      gate(user, caller)
      const now = clock.now()
      const { accessLifetime, refreshLifetime, sessionLifetime } = caller.policy.lifetimes
      const endsAt = secondsAfter(now, sessionLifetime)
      const session = {
        id: randomUUID(),
        userId: user.id,
        generation: 0,
        accessLifetime,
        refreshLifetime,
        createdAt: now,
        rotatedAt: now,
        lastUsedAt: now,
        expiresAt: earlier(secondsAfter(now, refreshLifetime), endsAt),
        endsAt,
        ip: caller.ip,
        userAgent: caller.userAgent,
        lastIp: caller.ip,
        lastUserAgent: caller.userAgent,
        revokedAt: null,
        revokedReason: null,
        unseen: false,
        epoch: user.sessionEpoch,
      }
      const displaced: EndReason = 'displaced'
      const event = { type: 'login_succeeded', userId: user.id, sessionId: session.id } as const
      // One statement, in place of a transaction of four: nothing else is done so often by so many.
      const isOpen = await recordEvent(db, event, caller, {
        parts: sql`
          ${proof},
          login AS (${users.loginRecord(user.id, now, sql`EXISTS (SELECT FROM proof)`)}),
          change AS (
            INSERT INTO sessions (id, user_id, access_lifetime, refresh_lifetime,
              created_at, rotated_at, last_used_at, expires_at, ends_at, ip, user_agent, last_ip, last_user_agent, epoch)
            SELECT ${session.id}::uuid, login.id, ${accessLifetime}, ${refreshLifetime},
              ${now}, ${now}, ${now}, ${session.expiresAt}, ${endsAt}, ${session.ip}, ${session.userAgent},
              ${session.ip}, ${session.userAgent}, login.session_epoch
            FROM login RETURNING id, user_id, epoch)`,
        furtherEvents: sql`
          SELECT 'session_ended', user_id, displaced, jsonb_build_object('reason', ${displaced}::text)
          FROM change, end_idlest_sessions(user_id, epoch, id, ${sessionsPerUser - 1}::integer, ${now}, ${displaced}) AS displaced`,
      })
      return isOpen ? { ...session, user: { ...user, lastLoginAt: now } } : undefined
    },

    find: (id) => db.session.findUnique({ where: { id }, include: { user: true } }),

    async advance(session, caller, { byAccessToken = false, isFinal = false } = {}) {
      const rotatedAt = clock.now()
      const next = {
        generation: session.generation + 1,
        rotatedAt,
        lastUsedAt: rotatedAt,
        expiresAt: earlier(secondsAfter(rotatedAt, session.refreshLifetime), session.endsAt),
        unseen: watchesTokens && !isFinal,
        lastIp: caller.ip,
        lastUserAgent: caller.userAgent,
      }
      // Of any number of racers one still finds the generation that all of them saw.
      const update = sql`
        UPDATE sessions SET generation = ${next.generation}, rotated_at = ${rotatedAt}, last_used_at = ${rotatedAt},
          expires_at = ${next.expiresAt}, unseen = ${next.unseen}, last_ip = ${next.lastIp}, last_user_agent = ${next.lastUserAgent}
        WHERE id = ${session.id}::uuid AND generation = ${session.generation} AND revoked_at IS NULL AND ${isOfPresentEpoch}
        RETURNING id`
      const event = { type: 'renewed_with_access_token', userId: session.userId, sessionId: session.id } as const
      const isAdvanced = byAccessToken
        ? await recordEvent(db, event, caller, { parts: sql`change AS (${update})` })
        : (await db.$queryRaw<object[]>(update)).length === 1
      return isAdvanced ? { ...session, ...next } : undefined
    },

    async use({ id, generation }, { ip, userAgent }, isSeen) {
      const used = await db.$executeRaw`
        UPDATE sessions SET last_used_at = ${clock.now()}, last_ip = ${ip}, last_user_agent = ${userAgent},
          unseen = unseen AND NOT ${isSeen}
        WHERE id = ${id}::uuid AND generation = ${generation} AND revoked_at IS NULL AND ${isOfPresentEpoch}`
      return used === 1
    },

    async noteSeen(id, generation) {
      await db.session.updateMany({ where: { id, generation, unseen: true }, data: { unseen: false } })
    },

    async endAllOf(userId, reason, caller, options) {
      const epoch = await users.beginSessionEpoch(userId)
      if (epoch === undefined) return 0
      // Only from the last epoch: a session that was ended before stays ended.
      if (options) await db.session.updateMany({ where: { id: options.except, epoch: epoch - 1 }, data: { epoch } })
      const count = await live.count({ userId, epoch: epoch - 1 })
      await recordEvent(db, { type: 'sessions_ended', userId, details: { reason, count } }, caller)
      return count
    },

    async end({ id, userId }, reason, caller) {
      const now = clock.now()
      const event = { type: 'session_ended', userId, sessionId: id, details: { reason } } as const
      return recordEvent(db, event, caller, {
        parts: sql`change AS (
          UPDATE sessions SET revoked_at = ${now}, revoked_reason = ${reason}
          WHERE id = ${id}::uuid AND user_id = ${userId} AND revoked_at IS NULL AND expires_at > ${now} AND ${isOfPresentEpoch}
          RETURNING id)`,
      })
    },

    async deleteEnded(before) {
      const expired = await deleteSome(db, sql`sessions`, sql`ends_at < ${before}`)
      const revoked = await deleteSome(db, sql`sessions`, sql`revoked_at < ${before}`)
      const user = await users.findWithEarlierEpochs(before)
      if (!user) return expired + revoked
      const isEarlier = sql`user_id = ${user.id} AND epoch < ${user.sessionEpoch}`
      const deleted = expired + revoked + (await deleteSome(db, sql`sessions`, isEarlier))
      // Not beside sessions that are deleted: users are locked before sessions.
      return deleted > 0 ? deleted : users.clearSessionsEndedAt(user.id, before)
    },
  }
}
