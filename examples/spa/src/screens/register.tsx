import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { rememberAddress } from '../last-address.ts'
import { Link } from '../navigation.tsx'
import { Field } from '../parts/field.tsx'
import type { Values } from '../parts/form.tsx'
import { Form } from '../parts/form.tsx'
import { MailSent } from '../parts/mail-sent.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { Screen } from '../parts/screen.tsx'
import { browserTimeZone } from '../parts/time-zone-field.tsx'

export function Register() {
  const [username, setUsername] = useState('')
  const [email, setEmail] = useState('')
  const [pendingEmail, setPendingEmail] = useState<string>()

  async function register({ username = '', email = '', password = '' }: Values): Promise<void> {
    const { pending } = await auth.register({ username, email, password, timezone: browserTimeZone() })
    // Otherwise the user is logged in now, and the application shows the first page.
    if (pending) {
      rememberAddress(pending.email)
      setPendingEmail(pending.email)
    }
  }

  if (pendingEmail !== undefined) {
    return (
      <Screen title="Read your mail">
        <MailSent email={pendingEmail}>
          A mail is on its way to {pendingEmail}. Its link completes your registration.
        </MailSent>
      </Screen>
    )
  }
  return (
    <Screen title="Register">
      <Form action={register} submit="Register">
        <Field label="Username" name="username" autoComplete="username" required onInput={setUsername} />
        <Field label="E-mail address" name="email" keyboard="email" autoComplete="email" required onInput={setEmail} />
        <PasswordField label="Password" name="password" unlike={[username, email]} />
      </Form>
      <p>
        Registered already? <Link to="log-in">Log in</Link>
      </p>
    </Screen>
  )
}
