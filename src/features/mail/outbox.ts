import { randomUUID } from 'node:crypto'
import { deleteSome, sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { Cipher } from '../../kernel/secrets.ts'
import type { Scope } from '../../kernel/unit-of-work.ts'
import type { MailTemplate } from './template.ts'

/** Keeps each mail from the commit of its cause until a worker has sent it. */
export interface Outbox {
  /** Queues the template in the transaction of the change: no change without its mail, no mail without its change. */
  enqueue<Values>(template: MailTemplate<Values>, recipient: string, values: Values): Promise<void>
  /** Deletes some of the rows of mails that were sent or abandoned before that instant; says how many. */
  deleteFinished(before: Date): Promise<number>
}

interface Needs extends Pick<Scope, 'db' | 'afterCommit'> {
  readonly clock: Clock
  readonly cipher: Cipher
  readonly wakeWorker: () => void
}

export function createOutbox({ db, afterCommit, clock, cipher, wakeWorker }: Needs): Outbox {
  return {
    async enqueue(template, recipient, values) {
      const now = clock.now()
      await db.outboxMail.create({
        data: {
          id: randomUUID(),
          template: template.name,
          recipient,
          // The values hold tokens that are stored nowhere else but as digests.
          encryptedValues: cipher.encrypt(JSON.stringify(values)),
          nextAttemptAt: now,
          createdAt: now,
        },
      })
      afterCommit(wakeWorker)
    },

    deleteFinished: (before) => deleteSome(db, sql`outbox_mails`, sql`finished_at < ${before}`),
  }
}
