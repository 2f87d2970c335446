import type { Caller } from '../../kernel/caller.ts'
import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import type { Db, Session, User } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Events } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/ports.ts'
import { earlier, secondsAfter } from '../../kernel/time.ts'
import type { LiveSessions } from './list.ts'
import { createLiveSessions } from './list.ts'
import { newSession } from './new-session.ts'
import { lowestSessionId } from './session-id.ts'
import { endSession } from './statements/end-session.ts'
import { findSession } from './statements/find-session.ts'
import { openDjangoSession } from './statements/open-django-session.ts'
import type { ConfirmedPassword } from './statements/open-session.ts'
import { openSession } from './statements/open-session.ts'
import { rotateSession } from './statements/rotate-session.ts'
import { touchSession } from './statements/touch-session.ts'

export type EndReason =
  | 'logout'
  | 'ended_by_user'
  | 'ended_by_operator'
  | 'user_disabled'
  | 'password_changed'
  | 'password_reset'
  | 'reuse_detected'

export type SessionOfUser = Session & { readonly user: User }

/** The table of sessions. */
export interface SessionStore extends LiveSessions {
  /**
   * Opens a session with the events; the service, which asks the gates, is the only caller. However many logins race, the
   * sessions idle for longest end beyond the limit. Undefined when the password has changed meanwhile, or the user is
   * gone or disabled.
   */
  open(
    login: { readonly user: User; readonly password: ConfirmedPassword; readonly sessionsPerUser: number },
    caller: Caller,
  ): Promise<SessionOfUser | undefined>
  /**
   * Opens this session for a refresh token of Django, with the events. Undefined when the user is gone or disabled, or all
   * sessions were ended since the token was issued.
   */
  openForDjango(
    swap: {
      readonly session: Session
      readonly user: User
      readonly tokenIssuedAt: Date
      readonly stays: boolean
      readonly sessionsPerUser: number
    },
    caller: Caller,
  ): Promise<SessionOfUser | undefined>
  /** The session, living or not, with its user. */
  find(id: string): Promise<SessionOfUser | null>
  /**
   * The session in its next generation; undefined when it is not in the given generation any more, or was ended. `unseen`:
   * whether it is watched for the first token of the new generation.
   */
  rotate(session: SessionOfUser, caller: Caller, next: { readonly unseen: boolean }): Promise<SessionOfUser | undefined>
  /** Notes a use of the session; false when it is not in the given generation any more, or was ended. */
  touch(session: Session, caller: Caller, use: { readonly isSeen: boolean }): Promise<boolean>
  /** Notes that a token of that generation has come back. */
  noteSeen(id: string, generation: number): Promise<void>
  /** Moves a live session from the epoch before to this one; a session that was ended before stays ended. */
  moveToEpoch(id: string, epoch: number): Promise<void>
  /** Ends the user's session, with the event, if it lives; says whether it did. */
  end(session: Pick<Session, 'id' | 'userId'>, reason: EndReason, caller: Caller): Promise<boolean>
  /** Deletes some of the sessions that ended by themselves or were ended long ago; says how many. */
  deleteEnded(run: CleanUpRun): Promise<number>
  /** Deletes some of the user's sessions of earlier epochs that did not end in another way before; says how many. */
  deleteEarlierEpochs(user: Pick<User, 'id' | 'sessionEpoch'>): Promise<number>
}

interface Needs {
  readonly db: Db
  readonly clock: Clock
  readonly events: Events
}

export function createSessionStore({ db, clock, events }: Needs): SessionStore {
  return {
    ...createLiveSessions({ db, clock }),

    async open({ user, password, sessionsPerUser }, caller) {
      const session = newSession(user, caller, clock.now())
      const open = () => openSession(db, { session, password, sessionsPerUser }, caller)
      let written = await open()
      // The password may still be the right one after a logout everywhere that was committed meanwhile.
      if (written.length === 0) written = await open()
      events.log(written, caller)
      return written.length > 0 ? { ...session, user: { ...user, lastLoginAt: session.createdAt } } : undefined
    },

    async openForDjango({ user, ...swap }, caller) {
      const written = await openDjangoSession(db, swap, caller)
      events.log(written, caller)
      return written.length > 0 ? { ...swap.session, user } : undefined
    },

    find: (id) => findSession(db, id),

    async rotate(session, { ip, userAgent }, { unseen }) {
      const rotatedAt = clock.now()
      const next = {
        generation: session.generation + 1,
        rotatedAt,
        lastUsedAt: rotatedAt,
        expiresAt: earlier(secondsAfter(rotatedAt, session.refreshLifetime), session.endsAt),
        unseen,
        lastIp: ip,
        lastUserAgent: userAgent,
      }
      return (await rotateSession(db, session, next)) ? { ...session, ...next } : undefined
    },

    touch: (session, { ip, userAgent }, { isSeen }) =>
      touchSession(db, session, { lastUsedAt: clock.now(), lastIp: ip, lastUserAgent: userAgent, isSeen }),

    async noteSeen(id, generation) {
      await db.session.updateMany({ where: { id, generation, unseen: true }, data: { unseen: false } })
    },

    async moveToEpoch(id, epoch) {
      await db.session.updateMany({ where: { id, epoch: epoch - 1 }, data: { epoch } })
    },

    async end({ id, userId }, reason, caller) {
      const written = await endSession(db, { id, userId, reason, now: clock.now() }, caller)
      events.log(written, caller)
      return written.length > 0
    },

    async deleteEnded(run) {
      const expired = await deleteDue(db, {
        ...{ ...run, table: sql`sessions`, by: sql`id`, before: sql`${lowestSessionId(run.before)}::uuid` },
        where: sql`ends_at < ${run.before}`,
      })
      return expired + (await deleteDue(db, { ...run, table: sql`sessions`, by: sql`revoked_at` }))
    },

    deleteEarlierEpochs: ({ id, sessionEpoch }) =>
      deleteDue(db, {
        ...{ table: sql`sessions`, by: sql`epoch`, before: sessionEpoch },
        where: sql`user_id = ${id} AND revoked_at IS NULL`,
      }),
  }
}
