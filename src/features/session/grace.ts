import type { Session } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { SessionStore } from './store.ts'

/** Which tokens are still taken although the session has gone on to the next generation. */
export interface Grace {
  /** Whether the session was rotated just now: a token of the generation before comes from a retry or a race, and is no copy. */
  isRecent(session: Session): boolean
  /** Whether that generation was the current one until just now. */
  isJustFollowed(generation: number, session: Session): boolean
  /** Whether the refresh token of that generation may be shown again, as the answer with the next pair may have been lost. */
  mayBeUnanswered(generation: number, session: Session): boolean
  /** Notes that a token has come back, which its session was read for or not: the generation before it is over from now on. */
  noteSeen(token: { readonly sid: string; readonly generation: number }, session?: Session): Promise<void>
}

export interface GraceSettings {
  /** Seconds during which the predecessor of the current tokens still gets the current pair. */
  readonly refreshGrace: number
  /** Seconds during which a refresh token does so while no token of the current pair has been seen; 0 for never. */
  readonly refreshGraceUnseen: number
}

export function createGrace({
  clock,
  store,
  refreshGrace,
  refreshGraceUnseen,
}: GraceSettings & { clock: Clock; store: SessionStore }): Grace {
  const isWithin = (seconds: number, { rotatedAt }: Session) => clock.now() < secondsAfter(rotatedAt, seconds)
  const isPredecessor = (generation: number, session: Session) => generation === session.generation - 1

  return {
    isRecent: (session) => isWithin(refreshGrace, session),
    isJustFollowed: (generation, session) => isPredecessor(generation, session) && isWithin(refreshGrace, session),
    mayBeUnanswered: (generation, session) =>
      isPredecessor(generation, session) && session.unseen && isWithin(refreshGraceUnseen, session),

    async noteSeen({ sid, generation }, session) {
      if (refreshGraceUnseen === 0) return
      if (session && !(session.unseen && session.generation === generation)) return
      await store.noteSeen(sid, generation)
    },
  }
}
