import type { Db, Session } from '../../../kernel/db.ts'

interface Use extends Pick<Session, 'lastUsedAt' | 'lastIp' | 'lastUserAgent'> {
  /** Whether a token of the current generation was presented. */
  readonly isSeen: boolean
}

/**
 * Notes that a session is used, and from where; false when another request has moved it to the next generation, or it was
 * ended.
 *
 * It gains: one statement that reads the user's epoch as well, on the path of every refresh that keeps its token. It
 * costs: it reads the table `users` beside its own. For `<=` see end-session.ts.
 */
export async function touchSession(
  db: Db,
  { id, generation }: Pick<Session, 'id' | 'generation'>,
  { lastUsedAt, lastIp, lastUserAgent, isSeen }: Use,
): Promise<boolean> {
  const touched = await db.$executeRaw`
    UPDATE sessions SET
      last_used_at = ${lastUsedAt}, last_ip = ${lastIp}, last_user_agent = ${lastUserAgent},
      unseen = unseen AND NOT ${isSeen}
    WHERE id = ${id}::uuid AND generation = ${generation} AND revoked_at IS NULL
      AND EXISTS (SELECT FROM users WHERE users.id = sessions.user_id AND users.session_epoch <= sessions.epoch)`
  return touched === 1
}
