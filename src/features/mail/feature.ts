import type { Outbox } from './outbox.ts'
import type { MailRateLimits } from './rate-limits.ts'
import type { MailTokens } from './tokens.ts'

export const mail = {
  name: 'mail',
  cleanUpJobs: {
    mail_tokens: ({ mailTokens }: { mailTokens: MailTokens }, before: Date) => mailTokens.deleteExpired(before),
    outbox_mails: ({ outbox }: { outbox: Outbox }, before: Date) => outbox.deleteFinished(before),
    mail_rate_limits: ({ mailRateLimits }: { mailRateLimits: MailRateLimits }) => mailRateLimits.deleteExpired(),
  },
}
