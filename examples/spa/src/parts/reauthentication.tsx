import type { User } from 'auth-server-client'
import { useEffect, useRef, useState } from 'preact/hooks'
import { auth, steps } from '../auth.ts'
import type { Values } from './form.tsx'
import { Form } from './form.tsx'
import { HiddenUsername, PasswordField } from './password-field.tsx'

/** The dialog that asks for the password before a change that needs it. The client repeats the request afterwards. */
export function Reauthentication({ user }: { user: User }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [finish, setFinish] = useState<{ readonly call: (isTaken: boolean) => void }>()

  useEffect(() => {
    steps.take = async ({ name }) => {
      // The server may learn to ask for steps that this application does not know.
      if (name !== 'reauthenticate') return false
      const isTaken = await new Promise<boolean>((call) => setFinish({ call }))
      setFinish(undefined)
      return isTaken
    }
  }, [])

  useEffect(() => {
    if (finish) dialog.current?.showModal()
  }, [finish])

  if (!finish) return null

  async function confirm({ password = '' }: Values): Promise<void> {
    await auth.call('POST /reauthenticate', { body: { password } })
    dialog.current?.close()
    finish?.call(true)
  }

  return (
    <dialog ref={dialog} aria-labelledby="reauthentication" onClose={() => finish.call(false)}>
      <h2 id="reauthentication">Confirm that it is you</h2>
      <p>This change needs your password, as you logged in a while ago.</p>
      <Form
        action={confirm}
        submit="Confirm"
        more={
          <button type="button" className="plain" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        }
      >
        <HiddenUsername value={user.username} />
        <PasswordField label="Password" name="password" />
      </Form>
    </dialog>
  )
}
