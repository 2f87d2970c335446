import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import type { Sql } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { Scope } from '../../kernel/unit-of-work.ts'
import { canonicalAddress } from './sub-addresses.ts'
import { mailTokenLifetimes } from './tokens.ts'

const hour = 3600

interface Limit {
  readonly perHour: number
  /** How long after one mail the next may follow. */
  readonly pauseSeconds: number
  /**
   * The pause before the last mail of an hour, where it differs: the lifetime of the link that was mailed before it.
   * Otherwise anonymous clients could use up the mails and leave the owner without a working link.
   */
  readonly lastPauseSeconds?: number
}

const perReset: Limit = { perHour: 5, pauseSeconds: 60, lastPauseSeconds: mailTokenLifetimes.reset_password }
// The tokens in these mails live for longer than an hour.
const perLink: Limit = { perHour: 5, pauseSeconds: 60 }

/** The limits of each kind of mail, and what the mails are counted for. */
const limits = {
  /** For the address that is asked for, whether or not it has an account. */
  forgot_password: perReset,
  resend_verification: perLink,
  /** For the mailbox that such mails went to, all its sub-addresses together. */
  forgot_password_mailed: perReset,
  resend_verification_mailed: perLink,
  /** For a mailbox and one client network. No pause: a person who has mistyped tries again at once. */
  registration_from_network: { perHour: 5, pauseSeconds: 0 },
  /** For a mailbox, whichever networks they come from: a ceiling that takes at least twelve of them to reach. */
  registration: { perHour: 60, pauseSeconds: 0 },
  address_in_use: { perHour: 5, pauseSeconds: 60 },
  /** Notices are mailed unasked, and other clients can cause them at a mailbox that is not theirs. */
  unverified_notice: { perHour: 5, pauseSeconds: 0 },
} as const satisfies Record<string, Limit>

type MailKind = keyof typeof limits

/** How much mail anonymous clients can have sent. Nothing here says who owns an address: a mailbox is for counting only. */
export interface MailRateLimits {
  /**
   * Whether a mail that was asked for may go to the address. Each address has a budget, known or not; beside it the
   * mails that really go out (`isMailed`) are counted for the mailbox. Mails to sub-addresses never hold back a mail to
   * a verified address.
   */
  spendAsked(
    kind: 'forgot_password' | 'resend_verification',
    email: string,
    mail: { readonly isMailed: boolean; readonly isVerified: boolean },
  ): Promise<boolean>
  /**
   * Whether the first mail of a registration may go to the address. It counts against the network that registers, so
   * that other networks cannot use up the mails of the owner.
   */
  spendRegistration(kind: 'registration' | 'address_in_use', email: string, network: string): Promise<boolean>
  /** Whether the unverified address may get one more notice about its account. */
  spendNotice(email: string): Promise<boolean>
  /** Deletes some of the rows that have no effect any more; says how many. */
  deleteExpired(run: CleanUpRun): Promise<number>
}

export function createMailRateLimits({
  db,
  clock,
  padWork,
}: Pick<Scope, 'db' | 'padWork'> & { readonly clock: Clock }): MailRateLimits {
  /** Parallel calls wait until the transaction ends, so no more than the limit get true. */
  async function spend(kind: MailKind, email: string, network = ''): Promise<boolean> {
    const { perHour, pauseSeconds, lastPauseSeconds = pauseSeconds }: Limit = limits[kind]
    const now = clock.now()
    const counts = sql`sent.at > ${secondsAfter(now, -hour)}`
    const sent = (condition: Sql) => sql`FROM unnest(known.sent_at) AS sent (at) WHERE ${condition}`
    const count = sql`(SELECT count(*) ${sent(counts)})`
    const pauseBegan = sql`
      CASE WHEN ${count} < ${perHour - 1}::integer THEN ${secondsAfter(now, -pauseSeconds)}::timestamptz
        ELSE ${secondsAfter(now, -lastPauseSeconds)}::timestamptz END`
    // Of two racing mails the later may be written first. Where there is no pause, that must not refuse the earlier
    // one.
    const hasPause = pauseSeconds > 0
    const written = await db.$executeRaw`
      INSERT INTO mail_rate_limits AS known (kind, email, network, sent_at, expires_at)
      VALUES (${kind}, ${email}, ${network}, ARRAY[${now}::timestamptz], ${secondsAfter(now, hour)})
      ON CONFLICT (kind, email, network) DO UPDATE SET
        sent_at = ARRAY(SELECT sent.at ${sent(counts)}) || EXCLUDED.sent_at,
        expires_at = EXCLUDED.expires_at
      WHERE ${count} < ${perHour}::integer AND NOT (${hasPause} AND EXISTS (SELECT ${sent(sql`sent.at > ${pauseBegan}`)}))`
    return written === 1
  }

  return {
    async spendAsked(kind, email, { isMailed, isVerified }) {
      const isAllowed = await spend(kind, email)
      // Counted only if it is sent: otherwise requests for sub-addresses without an account would use up the owner's
      // mails.
      let hasRoom = false
      await padWork(isAllowed && isMailed ? email : undefined, async () => {
        hasRoom = await spend(`${kind}_mailed`, canonicalAddress(email))
      })
      return isAllowed && (hasRoom || isVerified)
    },

    async spendRegistration(kind, email, network) {
      const mailbox = canonicalAddress(email)
      return (await spend('registration_from_network', mailbox, network)) && (await spend(kind, mailbox))
    },

    spendNotice: (email) => spend('unverified_notice', canonicalAddress(email)),

    deleteExpired: (run) =>
      deleteDue(db, { ...run, table: sql`mail_rate_limits`, by: sql`expires_at`, before: clock.now() }),
  }
}
