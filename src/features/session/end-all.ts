import type { Caller } from '../../kernel/caller.ts'
import type { CleanUpRun } from '../../kernel/clean-up.ts'
import type { Events } from '../../kernel/events.ts'
import type { UserStore } from '../user/index.ts'
import { sessionEvents } from './events.ts'
import type { EndReason, SessionStore } from './store.ts'

interface Stores {
  readonly users: UserStore
  readonly sessions: SessionStore
  readonly events: Events
}

interface Ending {
  readonly userId: number
  readonly reason: EndReason
  /** The id of a session that goes on. */
  readonly except?: string
}

/**
 * Ends the live sessions of the user, in one transaction and in the same time however many there are. Says how many there
 * were, up to 10,000.
 */
export async function endAllSessions(
  { users, sessions, events }: Stores,
  { userId, reason, except }: Ending,
  caller: Caller,
): Promise<number> {
  const epoch = await users.beginSessionEpoch(userId)
  if (epoch === undefined) return 0
  if (except !== undefined) await sessions.moveToEpoch(except, epoch)
  const count = await sessions.count({ userId, epoch: epoch - 1 })
  await events.record({ type: sessionEvents.sessions_ended, userId, details: { reason, count } }, caller)
  return count
}

/**
 * Deletes some of the sessions that were over long ago, or clears the mark of a user whose sessions of earlier
 * epochs are all deleted. Says how many rows it changed.
 */
export async function deleteEndedSessions(
  { users, sessions }: Omit<Stores, 'events'>,
  run: CleanUpRun,
): Promise<number> {
  const ended = await sessions.deleteEnded(run)
  const user = await users.findWithEarlierEpochs(run.before)
  if (!user) return ended
  const deleted = ended + (await sessions.deleteEarlierEpochs(user))
  // In a transaction of its own: users are locked before sessions.
  return deleted > 0 ? deleted : users.clearSessionsEndedAt(user.id, run.before)
}
