import type { Db, User } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { Outbox } from './outbox.ts'
import type { MailRateLimits } from './rate-limits.ts'
import type { MailTemplate } from './template.ts'

/**
 * Mails a user what happened to the account, with the time, in the transaction in which it happens. An unverified address,
 * which may be another person's, gets few such mails.
 */
export type Notify = <Facts extends { readonly ip: string }>(
  tx: Db,
  template: MailTemplate<Facts & { readonly at: string }>,
  user: Pick<User, 'email' | 'emailVerifiedAt'>,
  details: Facts,
) => Promise<void>

export function createNotify({
  clock,
  mailRateLimitsIn,
  outboxIn,
}: {
  clock: Clock
  mailRateLimitsIn: (db: Db) => MailRateLimits
  outboxIn: (db: Db) => Outbox
}): Notify {
  return async (tx, template, { email, emailVerifiedAt }, details) => {
    if (emailVerifiedAt === null && !(await mailRateLimitsIn(tx).spendNotice(email))) return
    await outboxIn(tx).enqueue(template, email, { ...details, at: clock.now().toUTCString() })
  }
}
