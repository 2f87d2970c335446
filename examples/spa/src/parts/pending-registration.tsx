import { ProblemError } from 'auth-server-client'
import { useState } from 'preact/hooks'
import { lastAddress } from '../last-address.ts'
import { Field } from './field.tsx'
import type { Values } from './form.tsx'
import { Form } from './form.tsx'
import { HiddenUsername, PasswordField } from './password-field.tsx'

/** Where the server requires verified addresses, the link and a password together complete a registration. */
export function PendingRegistration({ complete }: { complete: (choice: Values) => Promise<void> }) {
  const [isNameTaken, setNameTaken] = useState(false)
  const [isNew, setNew] = useState(false)

  async function send(values: Values): Promise<void> {
    try {
      await complete(values)
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'username_taken_meanwhile') setNameTaken(true)
      throw error
    }
  }

  return (
    <>
      <p>
        {isNew
          ? 'Choose the password that your account shall have.'
          : 'Enter the password that you registered with, to complete your registration.'}
      </p>
      <Form
        key={String(isNew)}
        action={send}
        submit="Complete the registration"
        more={
          <button type="button" className="plain" onClick={() => setNew(!isNew)}>
            {isNew ? 'I know the password' : 'Choose a new password'}
          </button>
        }
      >
        {isNameTaken ? (
          <Field label="Another username" name="username" autoComplete="username" required />
        ) : (
          <HiddenUsername value={lastAddress()} />
        )}
        {isNew ? (
          <PasswordField label="New password" name="new_password" unlike={[]} />
        ) : (
          <PasswordField label="Password" name="password" />
        )}
      </Form>
    </>
  )
}
