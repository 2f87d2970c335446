import type { Db, Session } from '../../../kernel/db.ts'

/** The columns that the next generation of a session changes. */
export type NextGeneration = Pick<
  Session,
  'generation' | 'rotatedAt' | 'lastUsedAt' | 'expiresAt' | 'unseen' | 'lastIp' | 'lastUserAgent'
>

/**
 * Moves a session to its next generation; false when another request has moved it, or it was ended. Of several requests
 * that saw the same generation, one finds it unchanged.
 *
 * It gains: one statement that reads the user's epoch as well, on the path of every refresh. It costs: it reads the table
 * `users` beside its own. For `<=` see
 * end-session.ts.
 */
export async function rotateSession(
  db: Db,
  { id, generation }: Pick<Session, 'id' | 'generation'>,
  next: NextGeneration,
): Promise<boolean> {
  const rotated = await db.$executeRaw`
    UPDATE sessions SET
      generation = ${next.generation}, rotated_at = ${next.rotatedAt}, last_used_at = ${next.lastUsedAt},
      expires_at = ${next.expiresAt}, unseen = ${next.unseen},
      last_ip = ${next.lastIp}, last_user_agent = ${next.lastUserAgent}
    WHERE id = ${id}::uuid AND generation = ${generation} AND revoked_at IS NULL
      AND EXISTS (SELECT FROM users WHERE users.id = sessions.user_id AND users.session_epoch <= sessions.epoch)`
  return rotated === 1
}
