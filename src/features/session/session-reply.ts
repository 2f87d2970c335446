import type { Session } from '../../kernel/db.ts'
import type { SessionReply } from './schemas.ts'

/** A session as answers show it; `current` is the caller's. */
export function sessionReply(session: Session, current: Session | undefined): SessionReply {
  return { ...sessionFields(session), current: session.id === current?.id }
}

/** A session as anyone who may list sessions sees it. */
export function sessionFields(session: Session): Omit<SessionReply, 'current'> {
  return {
    id: session.id,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    ends_at: session.endsAt.toISOString(),
    ip: session.ip,
    user_agent: session.userAgent,
    last_ip: session.lastIp,
    last_user_agent: session.lastUserAgent,
  }
}
