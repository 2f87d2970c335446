import type { Caller } from '../../kernel/caller.ts'
import type { Session, User } from '../../kernel/db.ts'
import { earlier, secondsAfter } from '../../kernel/time.ts'
import { sessionOfRow } from './row.ts'
import { createSessionId } from './session-id.ts'

/** The session of a login at that instant, as the policy of the caller's contract has it. */
export function newSession(user: User, { ip, userAgent, policy }: Caller, now: Date): Session {
  const { accessLifetime, refreshLifetime, sessionLifetime } = policy.lifetimes
  const endsAt = secondsAfter(now, sessionLifetime)
  return sessionOfRow({
    id: createSessionId(endsAt),
    userId: user.id,
    generation: 0,
    unseen: false,
    authenticated: true,
    epoch: user.sessionEpoch,
    accessLifetime,
    refreshLifetime,
    createdAt: now,
    rotatedAt: null,
    lastUsedAt: null,
    expiresAt: earlier(secondsAfter(now, refreshLifetime), endsAt),
    endsAt,
    ip,
    userAgent,
    lastIp: null,
    lastUserAgent: null,
    revokedAt: null,
    revokedReason: null,
  })
}
