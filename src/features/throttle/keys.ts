import { createHmac } from 'node:crypto'
import { secondsAfter } from '../../kernel/time.ts'

/** What wrong passwords are counted for. */
export interface ThrottleKey {
  readonly key: string
  /** How long its row is kept after the last attempt; absent: for ever. */
  readonly keptSeconds?: number
}

const day = 86_400

/**
 * Who is not found is counted under a keyed digest of the name: the table must not be a list of what anonymousClients typed,
 * and its rows are gone a day later. Who is found is counted by id, whatever the name was, and outlives every key.
 */
export function createThrottleKeys(key: Buffer) {
  const digest = (name: string) => createHmac('sha256', key).update(name).digest('base64url')
  return {
    /** The account of that id; without one, whatever has that name. */
    account: (userId: number | undefined, name: string): ThrottleKey => {
      // Digested for everybody, as the time would tell.
      const stranger = { key: `name:${digest(name)}`, keptSeconds: day }
      return userId === undefined ? stranger : { key: `user:${userId}` }
    },
    /**
     * The registrations that wait under that name. Apart from the account: with one counter for both, wrong passwords
     * for a username would show in the answers for an address, and so whether the two are one account.
     */
    waiting: (name: string): ThrottleKey => ({ key: `waiting:${digest(name)}`, keptSeconds: day }),
    /** Registrations that wait for the address, for clients that hold a mailed token: failures at login do not count against them. */
    pending: (email: string): ThrottleKey => ({ key: `pending:${digest(email)}`, keptSeconds: day }),
    /** A device that is known by a live session. */
    session: (id: string): ThrottleKey => ({ key: `session:${id}`, keptSeconds: 30 * day }),
    /** One that is known by its token. */
    device: (id: string): ThrottleKey => ({ key: `device:${id}`, keptSeconds: 30 * day }),
  }
}

export type ThrottleKeys = ReturnType<typeof createThrottleKeys>

/** When the key's row may be deleted; null for never. */
export function keptUntil({ keptSeconds }: ThrottleKey, now: Date): Date | null {
  return keptSeconds === undefined ? null : secondsAfter(now, keptSeconds)
}
