import type { User } from 'auth-server-client'
import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import type { Values } from '../parts/form.tsx'
import { Form } from '../parts/form.tsx'
import { HiddenUsername, PasswordField } from '../parts/password-field.tsx'
import { Done, Screen } from '../parts/screen.tsx'

export function ChangePassword({ user }: { user: User }) {
  const [changes, setChanges] = useState(0)

  async function change({ current_password = '', new_password = '' }: Values): Promise<void> {
    await auth.call('POST /change_password', { body: { current_password, new_password } })
    setChanges(changes + 1)
  }

  return (
    <Screen title="Change the password">
      <p>Your other sessions end; this one goes on.</p>
      {/* Another key makes another form, whose fields are empty. */}
      <Form key={changes} action={change} submit="Change the password">
        <HiddenUsername value={user.username} />
        <PasswordField label="Current password" name="current_password" />
        <PasswordField label="New password" name="new_password" unlike={[user.username, user.email]} />
      </Form>
      {changes > 0 && <Done>Your password is changed.</Done>}
    </Screen>
  )
}
