import type { Session } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { SessionStore } from './store.ts'

/** Which tokens are still accepted although the session has moved to the next generation. */
export interface Grace {
  /** Whether the session was rotated within REFRESH_GRACE: a token of the generation before comes from a retry or a race, and is no copy. */
  isWithinGrace(session: Session): boolean
  /** Whether that generation was the current one less than REFRESH_GRACE ago. */
  coversPredecessor(generation: number, session: Session): boolean
  /**
   * Whether a refresh token of that generation is accepted: the current one, its predecessor within REFRESH_GRACE, or within
   * REFRESH_GRACE_UNSEEN while no token of the current pair was seen.
   */
  accepts(generation: number, session: Session): boolean
  /**
   * Records that a token of this generation was presented: its predecessor is not forgiven any more. `session`, if it was
   * read already, saves a write that would change nothing.
   */
  noteSeen(token: { readonly sid: string; readonly generation: number }, session?: Session): Promise<void>
}

interface Needs {
  readonly clock: Clock
  readonly store: SessionStore
  readonly refreshGrace: number
  readonly refreshGraceUnseen: number
}

export function createGrace({ clock, store, refreshGrace, refreshGraceUnseen }: Needs): Grace {
  const isWithin = (seconds: number, { rotatedAt }: Session) => clock.now() < secondsAfter(rotatedAt, seconds)
  const isPredecessor = (generation: number, session: Session) => generation === session.generation - 1

  return {
    isWithinGrace: (session) => isWithin(refreshGrace, session),
    coversPredecessor: (generation, session) => isPredecessor(generation, session) && isWithin(refreshGrace, session),
    accepts(generation, session) {
      if (generation === session.generation) return true
      const isForgiven = isWithin(refreshGrace, session) || (session.unseen && isWithin(refreshGraceUnseen, session))
      return isPredecessor(generation, session) && isForgiven
    },

    async noteSeen({ sid, generation }, session) {
      if (refreshGraceUnseen === 0) return
      if (session && !(session.unseen && session.generation === generation)) return
      await store.noteSeen(sid, generation)
    },
  }
}
