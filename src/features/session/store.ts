import { randomUUID } from 'node:crypto'
import type { Caller } from '../../kernel/caller.ts'
import type { Db, Session, User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { UserStore } from '../user/index.ts'
import { sessionErrors } from './errors.ts'

type EndReason = 'logout' | 'ended_by_user' | 'password_changed' | 'password_reset' | 'reuse_detected'

/** How long tokens and sessions live, in seconds. */
export interface Lifetimes {
  readonly accessLifetime: number
  readonly refreshLifetime: number
  readonly sessionLifetime: number
}

/** Asked before a session opens, whatever the way to log in; throws what stands against it. */
export type Gate = (user: User) => void

/** Where verification is required, nobody gets in whose address is not verified. */
export const verifiedEmailGate: Gate = (user) => {
  if (!user.emailVerifiedAt) throw new AuthError(sessionErrors.email_not_verified)
}

/** The table of sessions, on the whole database or inside one transaction. */
export interface SessionStore {
  /** The only door to a session. Undefined when the user is gone or disabled. Throws what the gates throw. */
  open(userId: number, caller: Caller): Promise<{ session: Session; user: User } | undefined>
  /** Ends the live sessions of the user, but for one if asked; says how many. */
  endAllOf(userId: number, reason: EndReason, caller: Caller, options?: { except: string }): Promise<number>
  /** Ends the session if it lives; says whether it did. */
  end(session: { id: string; userId: number }, reason: EndReason, caller: Caller): Promise<boolean>
  /** Deletes the sessions that were over before that instant. */
  forgetEnded(before: Date): Promise<void>
}

export function createSessionStore({
  db,
  users,
  clock,
  lifetimes,
  gates,
  recordEvent,
}: {
  db: Db
  users: UserStore
  clock: Clock
  lifetimes: Lifetimes
  gates: readonly Gate[]
  recordEvent: EventRecorder
}): SessionStore {
  return {
    async open(userId, caller) {
      const user = await users.recordLogin(userId)
      if (!user) return undefined
      for (const gate of gates) gate(user)
      const now = clock.now()
      const endsAt = secondsAfter(now, lifetimes.sessionLifetime)
      const session = await db.session.create({
        data: {
          id: randomUUID(),
          userId,
          accessLifetime: lifetimes.accessLifetime,
          refreshLifetime: lifetimes.refreshLifetime,
          createdAt: now,
          rotatedAt: now,
          expiresAt: earlier(secondsAfter(now, lifetimes.refreshLifetime), endsAt),
          endsAt,
          ip: caller.ip,
          userAgent: caller.userAgent,
        },
      })
      await recordEvent(db, { type: 'login_succeeded', userId, sessionId: session.id }, caller)
      return { session, user }
    },

    async endAllOf(userId, reason, caller, options) {
      const now = clock.now()
      const { count } = await db.session.updateMany({
        where: {
          userId,
          revokedAt: null,
          expiresAt: { gt: now },
          ...(options && { id: { not: options.except } }),
        },
        data: { revokedAt: now, revokedReason: reason },
      })
      await recordEvent(db, { type: 'sessions_ended', userId, facts: { reason, count } }, caller)
      return count
    },

    async end({ id, userId }, reason, caller) {
      const { count } = await db.session.updateMany({
        where: { id, revokedAt: null },
        data: { revokedAt: clock.now(), revokedReason: reason },
      })
      if (count === 1)
        await recordEvent(db, { type: 'session_ended', userId, sessionId: id, facts: { reason } }, caller)
      return count === 1
    },

    async forgetEnded(before) {
      await db.session.deleteMany({ where: { OR: [{ endsAt: { lt: before } }, { revokedAt: { lt: before } }] } })
    },
  }
}

export function secondsAfter(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}

export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
