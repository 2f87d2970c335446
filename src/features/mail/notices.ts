import type { Db, User } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { Outbox } from './outbox.ts'
import type { MailAllowances } from './rate-limits.ts'
import type { Letter } from './template.ts'

/**
 * Mails a user what happened to the account, with the time, in the transaction in which it happens. An unverified address,
 * which may be another person's, gets few such mails.
 */
export type Notify = <Facts extends { readonly ip: string }>(
  tx: Db,
  letter: Letter<Facts & { readonly at: string }>,
  user: Pick<User, 'email' | 'emailVerifiedAt'>,
  facts: Facts,
) => Promise<void>

export function createNotify({
  clock,
  allowancesIn,
  outboxIn,
}: {
  clock: Clock
  allowancesIn: (db: Db) => MailAllowances
  outboxIn: (db: Db) => Outbox
}): Notify {
  return async (tx, letter, { email, emailVerifiedAt }, facts) => {
    if (emailVerifiedAt === null && !(await allowancesIn(tx).spendNotice(email))) return
    await outboxIn(tx).enqueue(letter, email, { ...facts, at: clock.now().toUTCString() })
  }
}
