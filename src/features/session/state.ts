import { AuthError } from '../../kernel/errors.ts'
import type { TokenClaims, TokenKind } from '../../kernel/ports.ts'
import { sessionErrors } from './errors.ts'
import type { SessionOfUser, SessionStore } from './store.ts'

/** The session, living or not. Throws `session_revoked` when there is none. */
export async function findById(id: string, store: SessionStore): Promise<SessionOfUser> {
  const session = await store.find(id)
  if (!session) throw new AuthError(sessionErrors.session_revoked)
  return session
}

/** The live session. Throws why it is over. */
export async function findLiveById(id: string, store: SessionStore, now: Date): Promise<SessionOfUser> {
  const session = await findById(id, store)
  refuseEnded(session, now, sessionErrors.session_expired)
  return session
}

/** Whether the session could have issued the token: services that share the key could sign another user's name, or a longer life. */
export function matchesSession(
  { sub, user_id, iat, exp }: TokenClaims,
  kind: TokenKind,
  session: SessionOfUser,
): boolean {
  const lifetime = kind === 'access' ? session.accessLifetime : session.refreshLifetime
  return sub === session.user.uuid && user_id === session.userId && exp - iat <= lifetime
}

type EndedState = 'session_revoked' | 'session_expired' | 'idle'

/** Why the session is over; undefined while it lives. */
export function endReason(session: SessionOfUser, now: Date): EndedState | undefined {
  const { sessionEpoch, disabledAt } = session.user
  if (session.revokedAt || session.epoch !== sessionEpoch || disabledAt) return 'session_revoked'
  if (session.endsAt <= now) return 'session_expired'
  return session.expiresAt <= now ? 'idle' : undefined
}

/** Throws why the session is over, if it is. */
export function refuseEnded(
  session: SessionOfUser,
  now: Date,
  whenIdle: (typeof sessionErrors)[keyof typeof sessionErrors],
): void {
  const reason = endReason(session, now)
  if (reason) throw new AuthError(reason === 'idle' ? whenIdle : sessionErrors[reason])
}
