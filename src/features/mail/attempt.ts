import type { Clock, Mail, Mailer } from '../../kernel/ports.ts'
import { MailContentsRefused, MailRefused } from '../../kernel/ports.ts'
import { onOneLine } from '../../kernel/schemas.ts'
import type { Cipher } from '../../kernel/secrets.ts'
import { withDeadline } from './deadline.ts'
import type { ClaimedMail, Outcome } from './queue.ts'
import type { MailTemplate } from './template.ts'
import { renderMail } from './template.ts'

export interface AttemptNeeds {
  readonly clock: Clock
  readonly cipher: Cipher
  readonly mailer: Mailer
  /** All templates there are. (A template of any values is a `MailTemplate<never>`.) */
  readonly templates: readonly MailTemplate<never>[]
  /** How long one mail may take to be handed over; it has to be well below the lease. */
  readonly sendTimeoutMs?: number
}

/** Sends the mail if it is worth sending. Never rejects: a failure is an outcome too. */
export async function attempt(needs: AttemptNeeds, mail: ClaimedMail): Promise<Outcome> {
  const { clock, mailer, sendTimeoutMs = 30_000 } = needs
  if (mail.isTokenInvalid) return dropped('its link was used, or replaced by a newer one', mail)
  if (clock.now() >= mail.staleAt) return dropped('too old to be worth sending', mail)
  const written = write(needs, mail)
  if (typeof written === 'string') return { status: 'failed', reason: written, concernsOthers: false }
  try {
    await withDeadline(mailer.send(written), sendTimeoutMs, 'the mail server took too long')
    return { status: 'sent' }
  } catch (error) {
    const reason = reasonOf(error)
    if (error instanceof MailRefused) return { status: 'abandoned', reason }
    return { status: 'failed', reason, concernsOthers: !(error instanceof MailContentsRefused) }
  }
}

function dropped(reason: string, { lastError }: ClaimedMail): Outcome {
  return { status: 'dropped', reason: lastError === null ? reason : `${reason}; before: ${lastError}` }
}

/** The mail, or why this instance cannot write it. Another one may: while a deployment rolls, a newer one knows more. */
function write({ cipher, templates }: AttemptNeeds, mail: ClaimedMail): Mail | string {
  const template = templates.find(({ name }) => name === mail.template)
  if (!template) return 'this instance knows no such template'
  try {
    // The values were encrypted under the name of this template: enqueue() takes no others.
    const values = JSON.parse(cipher.decrypt(mail.encryptedValues)) as never
    return { id: mail.id, recipient: mail.recipient, ...renderMail(template.write(values)) }
  } catch (error) {
    return reasonOf(error)
  }
}

/**
 * A short reason for the log and the row. A mail server may quote the mail that it refuses: no link, no address, nothing like
 * a token and no control character, which PostgreSQL may refuse, remains.
 */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return onOneLine(message)
    .replace(/https?:\S+|[^\s<>"(),:;]+@[\w.-]+|[\w-]{20,}/g, '…')
    .slice(0, 200)
}
