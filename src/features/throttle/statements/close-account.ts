import type { Db } from '../../../kernel/db.ts'
import type { ThrottleKey } from '../keys.ts'
import { mostFailures } from './count-attempt.ts'

/**
 * Closes the account of the key after a hundred failures since its last login, and says how many they are. Undefined: they are fewer, or the
 * account is closed already.
 *
 * It gains: an attempt that was counted before a login closes nothing after it. It costs: it reads the table `users` beside its own.
 */
export async function closeAccount(db: Db, { key, userId }: ThrottleKey, at: Date): Promise<number | undefined> {
  const [closed] = await db.$queryRaw<{ failures: number }[]>`
    UPDATE password_attempts SET closed_at = ${at}
    WHERE throttle_key = ${key} AND failures >= ${mostFailures}::integer AND closed_at IS NULL
      AND logins >= coalesce((SELECT logins FROM users WHERE id = ${userId ?? null}), 0)
    RETURNING failures`
  return closed?.failures
}
