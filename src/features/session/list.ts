import { z } from 'zod'
import type { Db, Session, SessionRow } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Clock } from '../../kernel/ports.ts'
import { sessionErrors } from './errors.ts'
import { sessionOfRow } from './row.ts'
import { mostCounted } from './schemas.ts'

/** The user and the session epoch whose sessions are meant. */
type Owner = Pick<Session, 'userId' | 'epoch'>

/** The live sessions of a user. */
export interface LiveSessions {
  /**
   * A page, newest first, and the cursor of the next one. A cursor names the last session of the page before it, so sessions that are
   * opened or ended meanwhile move no other to another page. Throws `cursor_invalid`.
   */
  page(
    owner: Owner,
    place: { readonly cursor: string | undefined; readonly limit: number },
  ): Promise<{ readonly sessions: readonly Session[]; readonly nextCursor: string | null }>
  /** Their number, up to 10,000. */
  count(owner: Owner): Promise<number>
}

export function createLiveSessions({ db, clock }: { db: Db; clock: Clock }): LiveSessions {
  /** The session that the cursor names, which may have ended since. */
  async function find(cursor: string, userId: number): Promise<SessionRow> {
    const isId = z.uuid().safeParse(cursor).success
    const session = isId ? await db.session.findUnique({ where: { id: cursor, userId } }) : null
    if (!session) throw new AuthError(sessionErrors.cursor_invalid)
    return session
  }

  return {
    async page({ userId, epoch }, { cursor, limit }) {
      const last = cursor === undefined ? undefined : await find(cursor, userId)
      const found = await db.session.findMany({
        where: {
          ...{ userId, epoch, revokedAt: null, expiresAt: { gt: clock.now() } },
          ...(last && {
            OR: [{ createdAt: { lt: last.createdAt } }, { createdAt: last.createdAt, id: { lt: last.id } }],
          }),
        },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        // All of them are sorted for each page: an index in this order would cost every login more. One more row shows whether there is another page.
        take: limit + 1,
      })
      const sessions = found.slice(0, limit).map(sessionOfRow)
      return { sessions, nextCursor: found.length > limit ? (sessions.at(-1)?.id ?? null) : null }
    },

    async count({ userId, epoch }) {
      const [live] = await db.$queryRaw<{ count: number }[]>`
        SELECT count(*)::integer AS count FROM (
          SELECT FROM sessions WHERE user_id = ${userId} AND epoch = ${epoch} AND revoked_at IS NULL
            AND expires_at > ${clock.now()} LIMIT ${mostCounted}) AS live`
      return live?.count ?? 0
    },
  }
}
