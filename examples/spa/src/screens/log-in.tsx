import { auth } from '../auth.ts'
import { Link } from '../navigation.tsx'
import { Field } from '../parts/field.tsx'
import type { Values } from '../parts/form.tsx'
import { Form } from '../parts/form.tsx'
import { PasswordField } from '../parts/password-field.tsx'
import { Screen } from '../parts/screen.tsx'

export function LogIn() {
  async function logIn({ username = '', password = '' }: Values): Promise<void> {
    const { step } = await auth.logIn({ username, password })
    // A server with another step, such as a second factor, needs a screen for it.
    if (step) throw new Error(`The server asks for the step ${step.name}, which this application does not know`)
  }

  return (
    <Screen title="Log in">
      <Form action={logIn} submit="Log in">
        <Field label="Username or e-mail address" name="username" autoComplete="username" required />
        <PasswordField label="Password" name="password" />
      </Form>
      <p>
        <Link to="forgot-password">Forgot your password?</Link>
      </p>
      <p>
        No account yet? <Link to="register">Register</Link>
      </p>
    </Screen>
  )
}
