import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import type { Db } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'

/** The table of the sessions whose users have authenticated again. */
export interface ReauthenticationStore {
  /** When the user of the session authenticated again last; undefined if never. */
  find(sessionId: string): Promise<Date | undefined>
  /** Notes that the user has authenticated now, and says when that was. */
  note(sessionId: string): Promise<Date>
  /** Deletes some of the rows that were written long ago; says how many. */
  deleteOld(run: CleanUpRun): Promise<number>
}

interface Needs {
  readonly db: Db
  readonly clock: Clock
}

export function createReauthenticationStore({ db, clock }: Needs): ReauthenticationStore {
  return {
    async find(sessionId) {
      const row = await db.reauthentication.findUnique({ where: { sessionId } })
      return row?.authenticatedAt
    },

    async note(sessionId) {
      const authenticatedAt = clock.now()
      await db.reauthentication.upsert({
        where: { sessionId },
        create: { sessionId, authenticatedAt },
        update: { authenticatedAt },
      })
      return authenticatedAt
    },

    deleteOld: (run) => deleteDue(db, { ...run, table: sql`reauthentications`, by: sql`authenticated_at` }),
  }
}
