import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import type { Db } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { randomToken, tokenDigest } from '../../kernel/secrets.ts'
import { secondsAfter } from '../../kernel/time.ts'

/** How long a mailed token lives, in seconds. */
export const mailTokenLifetimes = {
  verify_email: 24 * 3600,
  verify_registration: 24 * 3600,
  complete_registration: 24 * 3600,
  reset_password: 30 * 60,
} as const

type MailTokenPurpose = keyof typeof mailTokenLifetimes

/** How long a mail with such a token is worth sending: the link has at least half of its life left when it arrives. */
export function worthSendingSeconds(purpose: MailTokenPurpose): number {
  return mailTokenLifetimes[purpose] / 2
}

/** A token that was shown, and what it was mailed for. */
export interface IssuedMailToken<Purpose extends MailTokenPurpose = MailTokenPurpose> {
  readonly token: string
  readonly purpose: Purpose
  readonly targetId: string
  readonly email: string
  readonly isSpent: boolean
}

/** The table of single-use tokens. A token proves that its holder reads the mail of the address. */
export interface MailTokens {
  /** Makes the token of this purpose and target; an older one is invalid from then on. */
  issue(order: { purpose: MailTokenPurpose; targetId: string; email: string }): Promise<string>
  /** The token of one of these purposes, spent or not, until it expires. Any string may be given; finding does not spend it. */
  find<Purpose extends MailTokenPurpose>(token: {
    purposes: readonly Purpose[]
    token: string
  }): Promise<IssuedMailToken<Purpose> | undefined>
  /** Spends a live token. Of parallel calls, one gets true. */
  spend(token: { purpose: MailTokenPurpose; token: string }): Promise<boolean>
  revoke(token: { purpose: MailTokenPurpose; targetId: string }): Promise<void>
  /** Deletes some of the tokens that expired long ago; says how many. */
  deleteExpired(run: CleanUpRun): Promise<number>
}

export function createMailTokens({ db, clock }: { db: Db; clock: Clock }): MailTokens {
  return {
    async issue({ purpose, targetId, email }) {
      const token = randomToken()
      const createdAt = clock.now()
      const expiresAt = secondsAfter(createdAt, mailTokenLifetimes[purpose])
      const fresh = { email, tokenHash: tokenDigest(token), createdAt, expiresAt, spentAt: null }
      // In this shape Prisma makes it one INSERT … ON CONFLICT, so parallel issues follow each other instead of failing.
      await db.mailToken.upsert({
        where: { purpose_targetId: { purpose, targetId } },
        create: { purpose, targetId, ...fresh },
        update: fresh,
      })
      return token
    },

    async find<Purpose extends MailTokenPurpose>({ purposes, token }: { purposes: readonly Purpose[]; token: string }) {
      const found = await db.mailToken.findUnique({
        where: { tokenHash: tokenDigest(token), expiresAt: { gt: clock.now() } },
        select: { purpose: true, targetId: true, email: true, spentAt: true },
      })
      const purpose = purposes.find((each) => each === found?.purpose)
      if (!found || !purpose) return undefined
      return { token, purpose, targetId: found.targetId, email: found.email, isSpent: found.spentAt !== null }
    },

    async spend({ purpose, token }) {
      const now = clock.now()
      const { count } = await db.mailToken.updateMany({
        where: { tokenHash: tokenDigest(token), purpose, spentAt: null, expiresAt: { gt: now } },
        data: { spentAt: now },
      })
      return count === 1
    },

    async revoke({ purpose, targetId }) {
      await db.mailToken.deleteMany({ where: { purpose, targetId } })
    },

    deleteExpired: (run) => deleteDue(db, { ...run, table: sql`mail_tokens`, by: sql`expires_at` }),
  }
}
