import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { Field } from './field.tsx'
import type { Values } from './form.tsx'
import { Form } from './form.tsx'
import { Done, Screen } from './screen.tsx'

const kinds = {
  verification: { title: 'Verify your address', operation: 'POST /resend_verification' },
  reset: { title: 'Set a new password', operation: 'POST /forgot_password' },
} as const

interface NewLinkProps {
  readonly for: keyof typeof kinds
  /** False where the address that was opened has no token. */
  readonly isComplete: boolean
}

/** Says that the link of a mail is of no use any more, and mails another one. */
export function NewLink({ for: kind, isComplete }: NewLinkProps) {
  const { title, operation } = kinds[kind]
  const [sentTo, setSentTo] = useState<string>()

  async function send({ email = '' }: Values): Promise<void> {
    await auth.call(operation, { body: { email } })
    setSentTo(email)
  }

  return (
    <Screen title={title}>
      <p role="alert" className="notice bad">
        {isComplete
          ? 'This link has expired or was used already.'
          : 'This link is not complete. Please open the link in the mail once more, or ask for a new one.'}
      </p>
      <Form action={send} submit="Send a new link">
        <Field label="E-mail address" name="email" keyboard="email" autoComplete="email" required />
      </Form>
      {sentTo !== undefined && <Done>If {sentTo} is waiting for such a mail, a new link is on its way.</Done>}
    </Screen>
  )
}
