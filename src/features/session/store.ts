import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Db, Session, Sql, User } from '../../kernel/db.ts'
import { deleteSome, sql } from '../../kernel/db.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/ports.ts'
import { earlier, secondsAfter } from '../../kernel/time.ts'
import type { UserStore } from '../user/index.ts'
import type { Gate } from './gates.ts'

type EndReason = 'logout' | 'ended_by_user' | 'password_changed' | 'password_reset' | 'reuse_detected'

export type SessionOfUser = Session & { readonly user: User }

/** The table of sessions, on the whole database or inside one transaction. */
export interface SessionStore {
  /**
   * The only door to a session. Undefined when the user is gone or disabled, or the proof returns no row: the last, called
   * `proof`, of the parts of a WITH clause. Throws what the gates throw.
   */
  open(user: User, caller: Caller, proof?: Sql): Promise<SessionOfUser | undefined>
  /** The session, living or not, with its user. */
  find(id: string): Promise<SessionOfUser | null>
  /** The newest live sessions of the user, a hundred at most, and the current one in any case; newest first. */
  listLive(current: Session): Promise<Session[]>
  /** The session in its next generation; undefined when it is not in the presented one any more, or was ended. */
  advance(session: SessionOfUser): Promise<SessionOfUser | undefined>
  /** Notes that the session is used now; false when it is not in that generation any more, or was ended. */
  use(session: Session): Promise<boolean>
  /** Ends the live sessions of the user, but for one if asked; says how many. */
  endAllOf(userId: number, reason: EndReason, caller: Caller, options?: { except: string }): Promise<number>
  /** Ends the user's session if it lives; says whether it did. */
  end(session: { id: string; userId: number }, reason: EndReason, caller: Caller): Promise<boolean>
  /** Deletes some of the sessions that were over before that instant; says how many. */
  forgetEnded(before: Date): Promise<number>
}

const mostListed = 100
const provenBefore = sql`proof AS (SELECT)`

export function createSessionStore({
  db,
  users,
  clock,
  gates,
  recordEvent,
}: {
  db: Db
  users: UserStore
  clock: Clock
  gates: readonly Gate[]
  recordEvent: EventRecorder
}): SessionStore {
  const live = () => ({ revokedAt: null, expiresAt: { gt: clock.now() } })

  return {
    async open(user, caller, proof = provenBefore) {
      for (const gate of gates) gate(user, caller)
      const now = clock.now()
      const { accessLifetime, refreshLifetime, sessionLifetime } = caller.terms.lifetimes
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
        revokedAt: null,
        revokedReason: null,
      }
      const event = { type: 'login_succeeded', userId: user.id, sessionId: session.id } as const
      // One statement, in place of a transaction of four: nothing else is done so often by so many.
      const isOpen = await recordEvent(
        db,
        event,
        caller,
        sql`
          ${proof},
          login AS (${users.loginRecord(user.id, now, sql`EXISTS (SELECT FROM proof)`)}),
          change AS (
            INSERT INTO sessions (id, user_id, access_lifetime, refresh_lifetime,
              created_at, rotated_at, last_used_at, expires_at, ends_at, ip, user_agent)
            SELECT ${session.id}::uuid, login.id, ${accessLifetime}, ${refreshLifetime},
              ${now}, ${now}, ${now}, ${session.expiresAt}, ${endsAt}, ${session.ip}, ${session.userAgent}
            FROM login RETURNING id)`,
      )
      return isOpen ? { ...session, user: { ...user, lastLoginAt: now } } : undefined
    },

    find: (id) => db.session.findUnique({ where: { id }, include: { user: true } }),

    async listLive(current) {
      const newest = await db.session.findMany({
        where: { userId: current.userId, ...live() },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: mostListed,
      })
      const isCutOff = newest.length === mostListed && !newest.some(({ id }) => id === current.id)
      return isCutOff ? [...newest, current] : newest
    },

    async advance(session) {
      const rotatedAt = clock.now()
      const next = {
        generation: session.generation + 1,
        rotatedAt,
        lastUsedAt: rotatedAt,
        expiresAt: earlier(secondsAfter(rotatedAt, session.refreshLifetime), session.endsAt),
      }
      // Of any number of racers one still finds the generation that all of them saw.
      const { count } = await db.session.updateMany({
        where: { id: session.id, generation: session.generation, revokedAt: null },
        data: next,
      })
      return count === 1 ? { ...session, ...next } : undefined
    },

    async use({ id, generation }) {
      const { count } = await db.session.updateMany({
        where: { id, generation, revokedAt: null },
        data: { lastUsedAt: clock.now() },
      })
      return count === 1
    },

    async endAllOf(userId, reason, caller, options) {
      const { count } = await db.session.updateMany({
        where: { userId, ...live(), ...(options && { id: { not: options.except } }) },
        data: { revokedAt: clock.now(), revokedReason: reason },
      })
      await recordEvent(db, { type: 'sessions_ended', userId, facts: { reason, count } }, caller)
      return count
    },

    async end({ id, userId }, reason, caller) {
      const { count } = await db.session.updateMany({
        where: { id, userId, ...live() },
        data: { revokedAt: clock.now(), revokedReason: reason },
      })
      if (count === 1)
        await recordEvent(db, { type: 'session_ended', userId, sessionId: id, facts: { reason } }, caller)
      return count === 1
    },

    async forgetEnded(before) {
      const expired = await deleteSome(db, sql`sessions`, sql`ends_at < ${before}`)
      return expired + (await deleteSome(db, sql`sessions`, sql`revoked_at < ${before}`))
    },
  }
}
