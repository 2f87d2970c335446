import { ProblemError } from 'auth-server-client'
import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { lastAddress } from '../last-address.ts'
import { useMailToken } from '../mail-token.ts'
import { Link } from '../navigation.tsx'
import type { Values } from '../parts/form.tsx'
import { Form } from '../parts/form.tsx'
import { NewLink } from '../parts/new-link.tsx'
import { HiddenUsername, PasswordField } from '../parts/password-field.tsx'
import { Done, Screen } from '../parts/screen.tsx'

type Progress = 'ready' | 'link is used up' | 'done'

/** The page behind the link in the mail about a forgotten password. */
export function ResetPassword() {
  const token = useMailToken()
  const [progress, setProgress] = useState<Progress>('ready')

  async function reset({ new_password = '' }: Values): Promise<void> {
    try {
      await auth.call('POST /reset_password', { body: { token: token ?? '', new_password } })
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== 'reset_token_invalid') throw error
      return setProgress('link is used up')
    }
    setProgress('done')
    // All sessions of the user have ended, maybe that of this browser as well.
    await auth.session().catch(() => undefined)
  }

  if (progress === 'done') {
    return (
      <Screen title="Your password is set">
        <Done>All your sessions have ended. Log in with the new password.</Done>
        <p>
          <Link to="log-in" className="button">
            Log in
          </Link>
        </p>
      </Screen>
    )
  }
  if (!token || progress === 'link is used up') return <NewLink for="reset" isComplete={token !== undefined} />
  return (
    <Screen title="Set a new password">
      <Form action={reset} submit="Set the password">
        <HiddenUsername value={lastAddress()} />
        <PasswordField label="New password" name="new_password" unlike={[]} />
      </Form>
    </Screen>
  )
}
