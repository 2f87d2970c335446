import type { Caller } from '../../kernel/caller.ts'
import type { Db } from '../../kernel/db.ts'
import type { Events } from '../../kernel/events.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import { mailEvents } from './events.ts'
import type { MailStatus } from './queue.ts'

/** A mail as operators see it: everything but its contents. */
export interface MailRecord {
  readonly id: string
  readonly template: string
  readonly recipient: string
  readonly status: MailStatus
  readonly attempts: number
  /** Why it was not sent the last time, or will not be sent. */
  readonly lastError: string | null
  readonly createdAt: Date
  readonly nextAttemptAt: Date
  /** From then on it is not worth sending. */
  readonly staleAt: Date
  readonly finishedAt: Date | null
}

type MailRetry = 'queued' | 'not_found' | 'not_abandoned' | 'not_worth_sending'

/** What operators see of the outbox, and what they can do about it. */
interface MailAdministration {
  /** Mails of a status: queued ones with the next to be tried first, others with the last to be tried first. */
  list(query: { readonly status: MailStatus; readonly limit: number }): Promise<readonly MailRecord[]>
  find(id: string): Promise<MailRecord | undefined>
  /** Queues an abandoned mail once more, behind those that wait for its address. */
  retry(id: string, caller: Caller): Promise<MailRetry>
}

/** The table, over the whole database or over one transaction. */
interface MailRecords {
  list: MailAdministration['list']
  find: MailAdministration['find']
  /** Whether the mail was abandoned, and is worth sending; then it is queued. */
  requeue(id: string): Promise<boolean>
}

const shown = {
  id: true,
  template: true,
  recipient: true,
  status: true,
  attempts: true,
  lastError: true,
  createdAt: true,
  nextAttemptAt: true,
  staleAt: true,
  finishedAt: true,
} as const

export function createMailRecords({ db, clock }: { db: Db; clock: Clock }): MailRecords {
  return {
    list({ status, limit }) {
      const order = status === 'queued' ? 'asc' : 'desc'
      // The order of an index, so that the table may be large.
      const orderBy = [{ nextAttemptAt: order }, { sequence: order }] as const
      const where = { status }
      return db.outboxMail.findMany({ where, orderBy: [...orderBy], take: limit, select: shown }) as Promise<
        MailRecord[]
      >
    },

    find: async (id) =>
      ((await db.outboxMail.findUnique({ where: { id }, select: shown })) as MailRecord | null) ?? undefined,

    async requeue(id) {
      const count = await db.$executeRaw`
        UPDATE outbox_mails SET status = 'queued', sequence = DEFAULT, line = recipient, next_attempt_at = ${clock.now()},
          finished_at = NULL
        WHERE id = ${id}::uuid AND status = 'abandoned' AND encrypted_values IS NOT NULL AND stale_at > ${clock.now()}`
      return count === 1
    },
  }
}

interface Needs {
  readonly work: UnitOfWork<{ readonly mailRecords: MailRecords; readonly events: Events }>
}

export function createMailAdministration({ work: { stores, transaction } }: Needs): MailAdministration {
  return {
    list: stores.mailRecords.list,
    find: stores.mailRecords.find,
    async retry(id, caller) {
      const isQueued = await transaction(async ({ mailRecords, events }) => {
        if (!(await mailRecords.requeue(id))) return false
        await events.record({ type: mailEvents.mail_retried, details: { mail: id } }, caller)
        return true
      })
      if (isQueued) return 'queued'
      const mail = await stores.mailRecords.find(id)
      if (!mail) return 'not_found'
      return mail.status === 'abandoned' ? 'not_worth_sending' : 'not_abandoned'
    },
  }
}
