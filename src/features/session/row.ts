import type { Session, SessionRow } from '../../kernel/db.ts'

/** Fills in what the row leaves out until the first use: the tokens and the place are still those of the login. */
export function sessionOfRow(row: SessionRow): Session {
  return {
    ...row,
    rotatedAt: row.rotatedAt ?? row.createdAt,
    lastUsedAt: row.lastUsedAt ?? row.createdAt,
    lastIp: row.lastIp ?? row.ip,
    lastUserAgent: row.lastUserAgent ?? row.userAgent,
  }
}
