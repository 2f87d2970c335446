import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { rememberAddress } from '../last-address.ts'
import { Link } from '../navigation.tsx'
import { Field } from '../parts/field.tsx'
import { MailboxLink } from '../parts/footer.tsx'
import type { Values } from '../parts/form.tsx'
import { Form } from '../parts/form.tsx'
import { Done, Screen } from '../parts/screen.tsx'

export function ForgotPassword() {
  const [sentTo, setSentTo] = useState<string>()

  async function send({ email = '' }: Values): Promise<void> {
    await auth.call('POST /forgot_password', { body: { email } })
    rememberAddress(email)
    setSentTo(email)
  }

  return (
    <Screen title="Forgot your password?">
      <p>Enter the address of your account. A mail with a link lets you set a new password.</p>
      <Form action={send} submit="Send the mail">
        <Field label="E-mail address" name="email" keyboard="email" autoComplete="username" required />
      </Form>
      {sentTo !== undefined && (
        <Done>
          If {sentTo} has an account, the mail is on its way. The link in it works for half an hour. <MailboxLink />
        </Done>
      )}
      <p>
        <Link to="log-in">Back to the login</Link>
      </p>
    </Screen>
  )
}
