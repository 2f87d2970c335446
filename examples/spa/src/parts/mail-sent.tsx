import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { hasMailbox, MailboxLink } from './footer.tsx'
import { Form } from './form.tsx'

/** Says that a mail is on its way, and offers another one. */
export function MailSent({ email, children }: { email: string; children: ComponentChildren }) {
  const [isSentAgain, setSentAgain] = useState(false)

  async function resend(): Promise<void> {
    setSentAgain(false)
    await auth.call('POST /resend_verification', { body: { email } })
    setSentAgain(true)
  }

  return (
    <div className="notice">
      <p>{children}</p>
      <Form action={resend} submit="Send the mail again" first={hasMailbox && <MailboxLink className="button" />} />
      <p role="status">{isSentAgain && 'Another mail is on its way; the newest link counts.'}</p>
    </div>
  )
}
