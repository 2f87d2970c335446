import type { Db } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'

const hour = 3600

/**
 * How much mail strangers can have sent to an address by asking for it: so many of a kind in an hour, and none sooner
 * than so many seconds after the last. Mails that tell of what happened are not among them.
 */
const limits = {
  forgot_password: { perHour: 5, pauseSeconds: 60 },
  resend_verification: { perHour: 5, pauseSeconds: 60 },
  address_in_use: { perHour: 5, pauseSeconds: 60 },
  // No pause: each attempt has a token of its own, and who has mistyped tries again at once.
  register: { perHour: 5, pauseSeconds: 0 },
} as const

type MailKind = keyof typeof limits

export interface MailAllowances {
  /**
   * Whether one more mail of this kind may go to the address, which it then counts as. Until the transaction ends, others
   * who ask wait, so that of any number at once one is told true.
   */
  spend(kind: MailKind, email: string): Promise<boolean>
  /** Deletes the rows that tell nothing any more. */
  forgetExpired(): Promise<void>
}

export function createMailAllowances({ db, clock }: { db: Db; clock: Clock }): MailAllowances {
  return {
    async spend(kind, email) {
      const { perHour, pauseSeconds } = limits[kind]
      const now = clock.now()
      const counts = sql`sent.at > ${secondsAfter(now, -hour)}`
      const written = await db.$executeRaw`
        INSERT INTO mail_allowances AS known (kind, email, sent_at, expires_at)
        VALUES (${kind}, ${email}, ARRAY[${now}::timestamptz], ${secondsAfter(now, hour)})
        ON CONFLICT (kind, email) DO UPDATE SET
          sent_at = ARRAY(SELECT sent.at FROM unnest(known.sent_at) AS sent (at) WHERE ${counts}) || EXCLUDED.sent_at,
          expires_at = EXCLUDED.expires_at
        WHERE (SELECT count(*) FROM unnest(known.sent_at) AS sent (at) WHERE ${counts}) < ${perHour}::integer
          AND NOT EXISTS (
            SELECT FROM unnest(known.sent_at) AS sent (at) WHERE sent.at > ${secondsAfter(now, -pauseSeconds)})`
      return written === 1
    },

    async forgetExpired() {
      await db.mailAllowance.deleteMany({ where: { expiresAt: { lt: clock.now() } } })
    },
  }
}
