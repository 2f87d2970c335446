import type { Db } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'

/** A mail that is ours to send until its lease ends. */
export interface ClaimedMail {
  readonly id: string
  readonly template: string
  readonly recipient: string
  readonly line: string
  readonly encryptedValues: Uint8Array
  /** This attempt included. */
  readonly attempts: number
  readonly createdAt: Date
  /** From then on the mail is not worth sending. */
  readonly staleAt: Date
  /** Whether the token in the mail was used, revoked or replaced by a newer one. */
  readonly isTokenInvalid: boolean
  /** Why the attempt before this one failed. */
  readonly lastError: string | null
}

export type Outcome =
  | { readonly status: 'sent' }
  /** To be tried again. Other mails to the address wait, unless the reason concerns this mail alone. */
  | { readonly status: 'failed'; readonly reason: string; readonly concernsOthers: boolean }
  | { readonly status: 'abandoned' | 'dropped'; readonly reason: string }

export type MailStatus = 'queued' | 'sent' | 'dropped' | 'abandoned'

export interface MailQueue {
  /** Takes due mails under a lease, so that no other worker takes them and none is lost when this one dies. */
  claim(limit: number): Promise<readonly ClaimedMail[]>
  /** Writes down how the attempt ended. The answer is what the mail has become. The same may be written again. */
  settle(mail: ClaimedMail, outcome: Outcome): Promise<MailStatus>
}

const leaseSeconds = 120
const firstDelaySeconds = 30
const maxDelaySeconds = 3600
/** The last attempt comes so long before the mail is not worth sending any more. */
const lastAttemptSeconds = 60

export function createMailQueue({ db, clock }: { db: Db; clock: Clock }): MailQueue {
  /**
   * Counts the attempt, also for the younger mails of the line that are due: they would have failed as this one did. Each
   * has the delay of its own age and attempts, and when one of them is due the oldest is tried in its stead. So the line is
   * tried as often as its most urgent mail has to be.
   */
  async function postpone(
    mail: ClaimedMail,
    { reason, concernsOthers }: Extract<Outcome, { status: 'failed' }>,
  ): Promise<MailStatus> {
    const now = sql`${clock.now()}::timestamptz`
    const isThisMail = sql`id = ${mail.id}::uuid`
    const attempts = sql`CASE WHEN ${isThisMail} THEN attempts ELSE attempts + 1 END`
    const rows = await db.$queryRaw<{ id: string; status: MailStatus }[]>`
      WITH tried AS MATERIALIZED (
        SELECT id, ${isThisMail} AS "isThisMail", ${attempts} AS attempts,
          -- A mail that is soon of no use is tried often, so that it arrives in time. Half of the delay is random, so that
          -- mails that failed together are not tried together again.
          least(
            ${now} + make_interval(secs => (1 - random() / 2) * least(
              ${firstDelaySeconds}::integer * 2 ^ least(${attempts} - 1, 20), ${maxDelaySeconds}::integer,
              extract(epoch FROM stale_at - created_at) / 10)),
            stale_at - make_interval(secs => ${lastAttemptSeconds}::integer)
          ) AS next
        FROM outbox_mails
        WHERE status = 'queued' AND line = ${mail.line} AND (
          -- Every claim counts an attempt: with another number the lease has run out, and another worker has the mail.
          ${isThisMail} AND attempts = ${mail.attempts}::integer
          OR ${concernsOthers}::boolean AND NOT ${isThisMail} AND next_attempt_at <= ${now})
        ORDER BY sequence
        FOR UPDATE
      )
      UPDATE outbox_mails AS mail
      SET attempts = tried.attempts, last_error = ${reason}, leased_until = NULL,
        line = CASE WHEN ${concernsOthers}::boolean THEN mail.line ELSE mail.id::text END,
        next_attempt_at = CASE WHEN tried.next > ${now} THEN tried.next ELSE mail.stale_at END,
        status = CASE WHEN tried."isThisMail" AND tried.next <= ${now} THEN 'abandoned' ELSE 'queued' END,
        finished_at = CASE WHEN tried."isThisMail" AND tried.next <= ${now} THEN ${now} END
      FROM tried
      WHERE mail.id = tried.id
      RETURNING mail.id, mail.status`
    return rows.find(({ id }) => id === mail.id)?.status ?? 'queued'
  }

  return {
    // The mails of one line go out one after the other: for each due mail the oldest of its line is taken, unless a worker
    // has that already. A stale mail waits for none, as it is not sent. The order is that of `sequence`; two changes that
    // are committed at the same moment have none. The rows of RETURNING have no order either.
    claim(limit) {
      const now = sql`${clock.now()}::timestamptz`
      return db.$queryRaw<ClaimedMail[]>`
        WITH chosen AS MATERIALIZED (
          SELECT mail.id
          FROM outbox_mails AS due
          CROSS JOIN LATERAL (
            SELECT CASE WHEN due.stale_at <= ${now} THEN due.id ELSE (
              SELECT oldest.id FROM outbox_mails AS oldest
              WHERE oldest.line = due.line AND oldest.status = 'queued'
              ORDER BY oldest.sequence LIMIT 1) END AS id
          ) AS first
          JOIN outbox_mails AS mail ON mail.id = first.id
          WHERE due.status = 'queued' AND due.next_attempt_at <= ${now}
            AND mail.status = 'queued' AND (mail.leased_until IS NULL OR mail.leased_until <= ${now})
          ORDER BY due.next_attempt_at, due.sequence
          LIMIT ${limit}::integer
          FOR UPDATE OF mail SKIP LOCKED
        ),
        claimed AS (
          UPDATE outbox_mails AS mail
          SET attempts = mail.attempts + 1,
            leased_until = ${secondsAfter(clock.now(), leaseSeconds)},
            next_attempt_at = ${secondsAfter(clock.now(), leaseSeconds)}
          WHERE mail.id IN (SELECT id FROM chosen)
          RETURNING mail.id, mail.template, mail.recipient, mail.line, mail.encrypted_values AS "encryptedValues",
            mail.attempts, mail.created_at AS "createdAt", mail.stale_at AS "staleAt", mail.last_error AS "lastError",
            mail.token_hash IS NOT NULL AND NOT EXISTS (
              SELECT FROM mail_tokens AS token
              WHERE token.token_hash = mail.token_hash AND token.spent_at IS NULL
            ) AS "isTokenInvalid",
            mail.sequence
        )
        SELECT * FROM claimed ORDER BY sequence`
    },

    async settle(mail, outcome) {
      if (outcome.status === 'failed') return postpone(mail, outcome)
      const { status } = outcome
      await db.outboxMail.updateMany({
        // A mail that was sent is done, also when its lease has run out meanwhile and another worker has claimed it.
        where: { id: mail.id, status: 'queued', ...(status !== 'sent' && { attempts: mail.attempts }) },
        data: {
          status,
          lastError: status === 'sent' ? null : outcome.reason,
          leasedUntil: null,
          finishedAt: clock.now(),
          // An operator can have an abandoned mail sent again as long as it is worth sending.
          ...(status !== 'abandoned' && { encryptedValues: null }),
        },
      })
      return status
    },
  }
}
