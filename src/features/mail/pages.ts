import type { Page } from '../../http/pages/page.ts'
import { escapeHtml } from '../../kernel/html.ts'
import type { Mailbox, MailboxMail } from './development-mailbox.ts'
import type { MailWorker } from './worker.ts'

/** The development mailbox: a list, each mail as its HTML, and the same as JSON for programs. It holds every reset token. */
export function createMailboxPages({ mailbox, worker }: { mailbox: Mailbox; worker: MailWorker }): readonly Page[] {
  /** What was queued by a request that is answered is there, whoever looks how soon. */
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
        return mail && { kind: 'view', title: mail.subject, body: mailBody(mail), frames: true }
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
    /** What the link carries, so that a program can use it without taking the link apart. */
    token: links.join(' ').match(/(?<![\w-])[\w-]{43}(?![\w-])/)?.[0] ?? null,
    created_at: createdAt.toISOString(),
  }
}

function listBody(mails: readonly MailboxMail[]): string {
  const rows = mails.map(
    ({ id, recipient, subject, createdAt }) =>
      `<tr><td>${escapeHtml(recipient)}</td><td><a href="mailbox/${id}">${escapeHtml(subject)}</a></td><td>${time(createdAt)}</td></tr>`,
  )
  return `<h1>Mailbox</h1>
<p>No mail server is configured, so mails come here and go nowhere else. <a href="mailbox">Look again</a></p>
${
  rows.length === 0
    ? '<p>There are none yet.</p>'
    : `<table>
<thead><tr><th scope="col">To</th><th scope="col">Subject</th><th scope="col">When</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`
}`
}

function mailBody({ id, recipient, subject, text, createdAt }: MailboxMail): string {
  return `<p><a href="../mailbox">All mails</a></p>
<h1>${escapeHtml(subject)}</h1>
<p>To ${escapeHtml(recipient)}, ${time(createdAt)}</p>
<iframe src="${id}/message" title="The mail" sandbox="allow-top-navigation-by-user-activation"></iframe>
<details><summary>As plain text</summary><pre>${escapeHtml(text)}</pre></details>`
}

function time(at: Date): string {
  const iso = at.toISOString()
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`
}
