import { createHmac } from 'node:crypto'
import { secondsAfter } from '../../kernel/time.ts'

/** The key under which wrong passwords are counted. */
export interface ThrottleKey {
  readonly key: string
  /** The user whose logins clear its failures. */
  readonly userId?: number
  /** How long its row is kept after the last attempt; absent: for ever. */
  readonly keptSeconds?: number
}

const day = 86_400

/**
 * A user is counted by id, whatever name was sent, and the row stays. An unknown name is counted under a keyed digest, and
 * the row is deleted after a day: the table must not become a list of what anonymous clients have typed.
 */
export function createThrottleKeys(secret: Buffer) {
  const digest = (name: string) => createHmac('sha256', secret).update(name).digest('base64url')
  return {
    /** The account with that id; without an id, the unknown name. */
    account: (userId: number | undefined, name: string): ThrottleKey => {
      // Digested in both cases: otherwise the response time would reveal whether there is an account.
      const unknown = { key: `name:${digest(name)}`, keptSeconds: day }
      return userId === undefined ? unknown : { key: `user:${userId}`, userId }
    },
    /**
     * The pending registrations of that name. Counted apart from the account: with one counter for both, wrong
     * passwords for a username would change the answers for an address, and so reveal that both belong to one account.
     */
    waiting: (name: string): ThrottleKey => ({ key: `waiting:${digest(name)}`, keptSeconds: day }),
    /** The pending registrations of the address, for clients that hold a mailed token: failures at login do not count against them. */
    pending: (email: string): ThrottleKey => ({ key: `pending:${digest(email)}`, keptSeconds: day }),
    /** A device that is trusted because of a live session. */
    session: (id: string): ThrottleKey => ({ key: `session:${id}`, keptSeconds: 30 * day }),
    /** A device that is trusted because of its token. */
    device: (id: string): ThrottleKey => ({ key: `device:${id}`, keptSeconds: 30 * day }),
  }
}

export type ThrottleKeys = ReturnType<typeof createThrottleKeys>

/** When the key's row may be deleted; null for never. */
export function keptUntil({ keptSeconds }: ThrottleKey, now: Date): Date | null {
  return keptSeconds === undefined ? null : secondsAfter(now, keptSeconds)
}
