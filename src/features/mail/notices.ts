import type { User } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { Outbox } from './outbox.ts'
import type { MailRateLimits } from './rate-limits.ts'
import type { MailTemplate } from './template.ts'

/** Mails that tell users what happened to their accounts. */
export interface Notices {
  /**
   * Queues the mail, with the time, in the transaction in which the change happens. An unverified address, which may be
   * another person's, gets few such mails.
   */
  send<Details extends { readonly ip: string }>(
    template: MailTemplate<Details & { readonly at: string }>,
    user: Pick<User, 'email' | 'emailVerifiedAt'>,
    details: Details,
  ): Promise<void>
}

interface Needs {
  readonly clock: Clock
  readonly mailRateLimits: MailRateLimits
  readonly outbox: Outbox
}

export function createNotices({ clock, mailRateLimits, outbox }: Needs): Notices {
  return {
    async send(template, { email, emailVerifiedAt }, details) {
      if (emailVerifiedAt === null && !(await mailRateLimits.spendNotice(email))) return
      await outbox.enqueue(template, email, { ...details, at: clock.now().toUTCString() })
    },
  }
}
