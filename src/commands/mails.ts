import type { Command } from 'commander'
import { Option } from 'commander'
import type { MailRecord, MailStatus } from '../features/mail/index.ts'
import { StartError } from '../kernel/errors.ts'
import { limitOption } from './numbers.ts'
import type { ChangeOptions, JsonOption, Shell } from './shell.ts'
import { addChange, addCommand, addQuery } from './shell.ts'
import { asList, asTable, printable } from './text.ts'
import { isUuid } from './user-reference.ts'

const statuses: readonly MailStatus[] = ['queued', 'abandoned', 'dropped', 'sent']

export function addMailCommands(program: Command, shell: Shell): void {
  const { terminal } = shell
  const mails = addCommand(program, 'mails', {
    summary: 'look at the mails that wait, were sent or were given up, and send an abandoned one after all',
    examples: ['mails list --status abandoned', 'mails retry 0198c5f0-5c1e-4b3e-9b0e-3f2a8f7d2a11'],
  })

  addQuery(mails, 'list', {
    summary: 'list mails by their state: queued and abandoned ones, unless one is named',
    examples: ['mails list', 'mails list --status sent --limit 10 --json'],
  })
    .addOption(new Option('--status <status>', 'only mails in this state').choices(statuses))
    .option(...limitOption(1000, 'how many to list in each state'))
    .action(async ({ status, limit, ...options }: JsonOption & { status?: MailStatus; limit: number }) => {
      const { mails: outbox } = await shell.services()
      const wanted = status ? [status] : (['queued', 'abandoned'] as const)
      const found = await Promise.all(wanted.map((each) => outbox.list({ status: each, limit })))
      const shown = found.flat().map(shownMail)
      terminal.show(options, shown, () =>
        asTable(
          ['ID', 'STATUS', 'TEMPLATE', 'RECIPIENT', 'CREATED', 'TRIES', 'REASON'],
          shown.map((mail) => [
            mail.id,
            mail.status,
            mail.template,
            mail.recipient,
            mail.created_at,
            mail.attempts,
            mail.reason,
          ]),
          'There are no such mails.',
        ),
      )
    })

  addQuery(mails, 'show <mail>', {
    summary: 'show a mail and why it is not sent; what it says is for its recipient alone',
    examples: ['mails show 0198c5f0-5c1e-4b3e-9b0e-3f2a8f7d2a11'],
  }).action(async (id: string, options: JsonOption) => {
    const { mails: outbox } = await shell.services()
    const record = isUuid(id) ? await outbox.find(id) : undefined
    if (!record) throw noMail(id)
    const mail = shownMail(record)
    terminal.show(options, mail, () => asList(mail))
  })

  addChange(mails, 'retry <mail>', {
    summary: 'queue an abandoned mail once more; the server sends it',
    examples: ['mails retry 0198c5f0-5c1e-4b3e-9b0e-3f2a8f7d2a11'],
  }).action(async (id: string, options: ChangeOptions) => {
    const { mails: outbox } = await shell.services()
    const outcome = isUuid(id) ? await outbox.retry(id, await shell.operator(options)) : 'not_found'
    if (outcome === 'not_found') throw noMail(id)
    if (outcome === 'not_abandoned') {
      throw new StartError('The mail is not abandoned: a queued one is tried by itself, and another one is over')
    }
    if (outcome === 'not_worth_sending') {
      throw new StartError('The mail is too old to be worth sending: let the user ask for another one')
    }
    terminal.show(options, { id, queued: true }, () => 'The mail is queued; a running server sends it.')
  })
}

function noMail(id: string): StartError {
  return new StartError(`There is no mail ${printable(id)}: see auth-server mails list`)
}

function shownMail(mail: MailRecord) {
  return {
    id: mail.id,
    status: mail.status,
    template: mail.template,
    recipient: mail.recipient,
    attempts: mail.attempts,
    reason: mail.lastError,
    created_at: mail.createdAt.toISOString(),
    next_attempt_at: mail.status === 'queued' ? mail.nextAttemptAt.toISOString() : null,
    worth_sending_until: mail.staleAt.toISOString(),
    finished_at: mail.finishedAt?.toISOString() ?? null,
  }
}
