import { randomUUID } from 'node:crypto'
import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { Cipher } from '../../kernel/secrets.ts'
import { tokenDigest } from '../../kernel/secrets.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { Scope } from '../../kernel/unit-of-work.ts'
import { isPlaceholderAddress } from '../user/index.ts'
import type { MailTemplate } from './template.ts'

/** Keeps each mail from the commit of its cause until a worker has sent it. */
export interface Outbox {
  /**
   * Queues the template in the transaction of the change: no change without its mail, no mail without its change. Mails to
   * one address are sent in this order. A mail that brings a token is sent only while the token is valid. A mail to a user who has no
   * address is dropped.
   */
  enqueue<Values>(template: MailTemplate<Values>, recipient: string, values: Values, token?: string): Promise<void>
  /** Erases the contents of some of the abandoned mails that are not worth sending any more; says of how many. */
  eraseStale(): Promise<number>
  /** Deletes some of the rows of mails that were over long ago; says how many. */
  deleteFinished(run: CleanUpRun): Promise<number>
}

interface Needs extends Pick<Scope, 'db' | 'afterCommit'> {
  readonly clock: Clock
  readonly cipher: Cipher
  readonly wakeWorker: () => void
}

const usualStaleAfterSeconds = 3 * 86_400
const erasedAtOnce = 1000

export function createOutbox({ db, afterCommit, clock, cipher, wakeWorker }: Needs): Outbox {
  return {
    async enqueue(template, recipient, values, token) {
      const now = clock.now()
      const dropped = {
        status: 'dropped',
        lastError: 'the user has no address',
        finishedAt: now,
        encryptedValues: null,
      }
      await db.outboxMail.create({
        data: {
          id: randomUUID(),
          template: template.name,
          recipient,
          line: recipient,
          // The values hold tokens that are stored nowhere else but as digests.
          encryptedValues: cipher.encrypt(JSON.stringify(values)),
          tokenHash: token === undefined ? null : tokenDigest(token),
          nextAttemptAt: now,
          staleAt: secondsAfter(now, template.staleAfterSeconds ?? usualStaleAfterSeconds),
          createdAt: now,
          ...(isPlaceholderAddress(recipient) && dropped),
        },
      })
      afterCommit(wakeWorker)
    },

    eraseStale: () => db.$executeRaw`
      UPDATE outbox_mails SET encrypted_values = NULL WHERE id = ANY (ARRAY(
        SELECT id FROM outbox_mails
        WHERE status = 'abandoned' AND encrypted_values IS NOT NULL AND stale_at <= ${clock.now()}
        ORDER BY stale_at LIMIT ${erasedAtOnce}::integer FOR UPDATE SKIP LOCKED))`,

    deleteFinished: (run) => deleteDue(db, { ...run, table: sql`outbox_mails`, by: sql`finished_at` }),
  }
}
