import type { Db } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'

/** A mail that is ours to send until its lease ends. */
export interface ClaimedMail {
  readonly id: string
  readonly template: string
  readonly recipient: string
  readonly encryptedValues: Uint8Array
  /** This attempt included. */
  readonly attempts: number
  readonly createdAt: Date
  /** Why the attempt before this one failed. */
  readonly lastError: string | null
}

export type Outcome =
  | { readonly status: 'sent' }
  /** To be tried again, unless the mail is not worth sending any more by then. */
  | { readonly status: 'failed'; readonly reason: string; readonly staleAt: Date }
  | { readonly status: 'abandoned'; readonly reason: string }

export interface MailQueue {
  /** Takes due mails under a lease, so that no other worker takes them and none is lost when this one dies. */
  claim(limit: number): Promise<readonly ClaimedMail[]>
  /** Writes down how the attempt ended. The answer is what the mail has become. */
  settle(mail: ClaimedMail, outcome: Outcome): Promise<'sent' | 'queued' | 'abandoned'>
}

const leaseSeconds = 120
const firstDelaySeconds = 30
const maxDelaySeconds = 3600

export function createMailQueue({ db, clock }: { db: Db; clock: Clock }): MailQueue {
  const inSeconds = (seconds: number) => secondsAfter(clock.now(), seconds)

  /** Undefined when the mail will not be worth sending by then. */
  function nextAttempt({ attempts, createdAt }: ClaimedMail, staleAt: Date): Date | undefined {
    const lifetimeSeconds = (staleAt.getTime() - createdAt.getTime()) / 1000
    // A mail that is soon of no use is tried often, so that it arrives in time.
    const longest = Math.min(firstDelaySeconds * 2 ** (attempts - 1), maxDelaySeconds, lifetimeSeconds / 10)
    // Half of the delay is random, so that mails that failed together are not retried together.
    const at = inSeconds(longest * (1 - Math.random() / 2))
    return at < staleAt ? at : undefined
  }

  return {
    // The rows of RETURNING have no order, and mails are sent in the order in which they were queued. The rows are
    // chosen in a materialized CTE: as a plain sub-select the planner may run it again per row and exceed its limit.
    claim: (limit) => db.$queryRaw<ClaimedMail[]>`
      WITH due AS MATERIALIZED (
        SELECT id FROM outbox_mails
        WHERE status = 'queued' AND next_attempt_at <= ${clock.now()}
        ORDER BY next_attempt_at, sequence
        LIMIT ${limit}
        FOR UPDATE SKIP LOCKED
      ),
      claimed AS (
        UPDATE outbox_mails AS mail
        SET attempts = mail.attempts + 1, next_attempt_at = ${inSeconds(leaseSeconds)}
        FROM due
        WHERE mail.id = due.id
        RETURNING mail.id, mail.template, mail.recipient, mail.encrypted_values AS "encryptedValues", mail.attempts,
          mail.created_at AS "createdAt", mail.last_error AS "lastError", mail.sequence
      )
      SELECT * FROM claimed ORDER BY sequence`,

    async settle(mail, outcome) {
      const nextAttemptAt = outcome.status === 'failed' ? nextAttempt(mail, outcome.staleAt) : undefined
      const status = nextAttemptAt ? 'queued' : outcome.status === 'sent' ? 'sent' : 'abandoned'
      await db.outboxMail.updateMany({
        // Every claim counts an attempt: with another number the lease has run out, and another worker has claimed the
        // mail.
        where: { id: mail.id, status: 'queued', attempts: mail.attempts },
        data: {
          lastError: outcome.status === 'sent' ? null : outcome.reason,
          ...(nextAttemptAt ? { nextAttemptAt } : { status, encryptedValues: null, finishedAt: clock.now() }),
        },
      })
      return status
    },
  }
}
