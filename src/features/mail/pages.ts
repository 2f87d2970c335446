import type { Page } from '../../http/pages/page.ts'
import type { Html } from '../../kernel/html.ts'
import { fillTemplate } from '../../kernel/html.ts'
import { readPageFile } from '../../kernel/page-files.ts'
import type { Mailbox, MailboxMail } from './development-mailbox.ts'
import type { MailWorker } from './worker.ts'

const mailboxTemplate = readPageFile('mailbox.html', import.meta.url)
const mailTemplate = readPageFile('mail.html', import.meta.url)

/** The development mailbox: a list, each mail as its HTML, and the same as JSON for programs. It holds every reset token. */
export function createMailboxPages({ mailbox, worker }: { mailbox: Mailbox; worker: MailWorker }): readonly Page[] {
  /** Waits for the mails of requests that were answered before. */
  const find = async (id: string | undefined) => {
    await worker.drain()
    return /^\d{1,9}$/.test(id ?? '') ? mailbox.find(Number(id)) : undefined
  }
  const list = async () => {
    await worker.drain()
    return mailbox.list()
  }

  return [
    {
      path: '/mailbox.json',
      audience: 'local',
      render: async () => ({ kind: 'json', value: { mails: (await list()).map(toJson) } }),
    },
    {
      path: '/mailbox',
      audience: 'local',
      render: async () => ({ kind: 'view', title: 'Mailbox', body: listBody(await list()) }),
    },
    {
      path: '/mailbox/:id',
      audience: 'local',
      render: async ({ id }) => {
        const mail = await find(id)
        return (
          mail && { kind: 'view', title: mail.subject, body: fillTemplate(mailTemplate, valuesOf(mail)), frames: true }
        )
      },
    },
    {
      path: '/mailbox/:id/message',
      audience: 'local',
      render: async ({ id }) => {
        const mail = await find(id)
        return mail && { kind: 'document', html: mail.html }
      },
    },
  ]
}

function toJson({ id, recipient, subject, text, html, createdAt }: MailboxMail) {
  const links = text.match(/https?:\/\/\S+/g) ?? []
  return {
    id,
    to: recipient,
    subject,
    text,
    html,
    links,
    /** The parts of the link, so that a program need not parse it. */
    token: links.join(' ').match(/(?<![\w-])[\w-]{43}(?![\w-])/)?.[0] ?? null,
    created_at: createdAt.toISOString(),
  }
}

function listBody(mails: readonly MailboxMail[]): Html {
  return fillTemplate(mailboxTemplate, { mails: mails.map(valuesOf), hasMails: mails.length > 0 })
}

function valuesOf({ id, recipient, subject, text, createdAt }: MailboxMail) {
  const instant = createdAt.toISOString()
  return { id, recipient, subject, text, instant, time: `${instant.slice(0, 10)} ${instant.slice(11, 19)} UTC` }
}
