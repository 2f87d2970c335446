import type { Caller } from '../../kernel/caller.ts'
import type { Session, User } from '../../kernel/db.ts'
import type { EventFilter, Events, RecordedEvent } from '../../kernel/events.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { SessionStore } from '../session/index.ts'
import { endAllSessions } from '../session/index.ts'
import type { UserStore } from '../user/index.ts'

/** What operators see of sessions and events, and change of sessions. */
export interface Operations {
  /** The live sessions of the user, the newest first, and their number, up to 10,000. */
  listSessions(user: User, limit: number): Promise<{ readonly sessions: readonly Session[]; readonly total: number }>
  /** False when there is no such session, or it does not live. */
  endSession(id: string, operator: Caller): Promise<boolean>
  /** Ends all sessions of the user and says how many lived. */
  endSessions(user: User, operator: Caller): Promise<number>
  listEvents(filter: EventFilter): Promise<RecordedEvent[]>
  /** The time at the database, which events carry. */
  now(): Date
}

interface Stores {
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly events: Events
}

interface Needs {
  readonly ports: Pick<Ports, 'clock'>
  readonly work: UnitOfWork<Stores>
}

const reason = 'ended_by_operator'

export function createOperations({ ports: { clock }, work: { stores, transaction } }: Needs): Operations {
  const { sessions, events } = stores
  return {
    async listSessions({ id: userId, sessionEpoch: epoch }, limit) {
      const page = await sessions.page({ userId, epoch }, { cursor: undefined, limit })
      return { sessions: page.sessions, total: await sessions.count({ userId, epoch }) }
    },

    async endSession(id, operator) {
      const session = await sessions.find(id)
      return session !== null && sessions.end(session, reason, operator)
    },

    endSessions: ({ id: userId }, operator) =>
      transaction((within) => endAllSessions(within, { userId, reason }, operator)),

    listEvents: events.list,
    now: clock.now,
  }
}
