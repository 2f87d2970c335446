import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { mailEvents } from './events.ts'
import type { Outbox } from './outbox.ts'
import type { MailRateLimits } from './rate-limits.ts'
import type { MailTokens } from './tokens.ts'
import { mailCounter } from './worker.ts'

export const mail = {
  name: 'mail',
  counters: [mailCounter],
  events: mailEvents,
  cleanUpJobs: {
    mail_tokens: ({ mailTokens }: { mailTokens: MailTokens }, run: CleanUpRun) => mailTokens.deleteExpired(run),
    outbox_mails: ({ outbox }: { outbox: Outbox }, run: CleanUpRun) => outbox.deleteFinished(run),
    contents_of_abandoned_mails: ({ outbox }: { outbox: Outbox }) => outbox.eraseStale(),
    mail_rate_limits: ({ mailRateLimits }: { mailRateLimits: MailRateLimits }, run: CleanUpRun) =>
      mailRateLimits.deleteExpired(run),
  },
}
