import type { Db } from '../../kernel/db.ts'
import type { Clock, Mail, Mailer } from '../../kernel/ports.ts'

const kept = 200

export interface MailboxMail extends Omit<Mail, 'id'> {
  readonly id: number
  readonly createdAt: Date
}

/** Takes mails where no mail server is configured, for developers who try the server out. */
export interface Mailbox extends Mailer {
  /** Newest first. */
  list(): Promise<readonly MailboxMail[]>
  find(id: number): Promise<MailboxMail | undefined>
}

export function createMailbox({ db, clock }: { db: Db; clock: Clock }): Mailbox {
  let last: Promise<void> = Promise.resolve()

  async function store({ recipient, subject, text, html }: Mail): Promise<void> {
    const { id } = await db.mailboxMail.create({ data: { recipient, subject, text, html, createdAt: clock.now() } })
    await db.mailboxMail.deleteMany({ where: { id: { lte: id - kept } } })
  }

  return {
    // One after the other, so that the ids follow the order in which the mails were handed over.
    send(mail) {
      const stored = last.then(() => store(mail))
      last = stored.catch(() => undefined)
      return stored
    },
    list: () => db.mailboxMail.findMany({ orderBy: { id: 'desc' } }),
    find: async (id) => (await db.mailboxMail.findUnique({ where: { id } })) ?? undefined,
  }
}
