import type { Db, User } from '../../kernel/db.ts'
import { deleteSome, sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import { mailTokenLifetimes } from './tokens.ts'

const hour = 3600

const perHour = 5

type MailKind = 'forgot_password' | 'resend_verification' | 'address_in_use' | 'register' | 'unverified_notice'

/**
 * How much mail strangers can have sent to an address by asking for it: five of a kind in an hour, and none sooner than
 * so many seconds after the last. Where the pause before the fifth is another, it is as long as what was mailed before it
 * lives: else strangers could ask until the owner has neither a link that works nor one to ask for.
 */
const pauses: Record<MailKind, { readonly seconds: number; readonly beforeFifth?: number }> = {
  forgot_password: { seconds: 60, beforeFifth: mailTokenLifetimes.reset_password },
  // What these bring lives for longer than the hour.
  resend_verification: { seconds: 60 },
  address_in_use: { seconds: 60 },
  // No pause: each attempt has a token of its own, and who has mistyped tries again at once.
  register: { seconds: 0 },
  // What happened to an account is told without being asked for, but a stranger can make it happen at an address of others.
  unverified_notice: { seconds: 0 },
}

export interface MailAllowances {
  /**
   * Whether one more mail of this kind may go to the address, which it then counts as. Until the transaction ends, others
   * who ask wait, so that of any number at once one is told true.
   */
  spend(kind: MailKind, email: string): Promise<boolean>
  /** Deletes some of the rows that tell nothing any more; says how many. */
  forgetExpired(): Promise<number>
}

export function createMailAllowances({ db, clock }: { db: Db; clock: Clock }): MailAllowances {
  return {
    async spend(kind, email) {
      const { seconds, beforeFifth = seconds } = pauses[kind]
      const now = clock.now()
      const counts = sql`sent.at > ${secondsAfter(now, -hour)}`
      const howMany = sql`(SELECT count(*) FROM unnest(known.sent_at) AS sent (at) WHERE ${counts})`
      const pauseBegan = sql`
        CASE WHEN ${howMany} < ${perHour - 1}::integer THEN ${secondsAfter(now, -seconds)}::timestamptz
          ELSE ${secondsAfter(now, -beforeFifth)}::timestamptz END`
      const written = await db.$executeRaw`
        INSERT INTO mail_allowances AS known (kind, email, sent_at, expires_at)
        VALUES (${kind}, ${email}, ARRAY[${now}::timestamptz], ${secondsAfter(now, hour)})
        ON CONFLICT (kind, email) DO UPDATE SET
          sent_at = ARRAY(SELECT sent.at FROM unnest(known.sent_at) AS sent (at) WHERE ${counts}) || EXCLUDED.sent_at,
          expires_at = EXCLUDED.expires_at
        WHERE ${howMany} < ${perHour}::integer
          AND NOT EXISTS (SELECT FROM unnest(known.sent_at) AS sent (at) WHERE sent.at > ${pauseBegan})`
      return written === 1
    },

    forgetExpired: () => deleteSome(db, sql`mail_allowances`, sql`expires_at < ${clock.now()}`),
  }
}

/** Whether the user may be told of one more thing that happened: nobody has said that an unverified address is the user's. */
export async function mayTell(
  allowances: MailAllowances,
  { email, emailVerifiedAt }: Pick<User, 'email' | 'emailVerifiedAt'>,
): Promise<boolean> {
  return emailVerifiedAt !== null || allowances.spend('unverified_notice', email)
}
