import type { User } from 'auth-server-client'
import { useState } from 'preact/hooks'
import { auth } from '../auth.ts'
import { Field } from '../parts/field.tsx'
import type { Values } from '../parts/form.tsx'
import { Form } from '../parts/form.tsx'
import { Done, Screen } from '../parts/screen.tsx'
import { TimeZoneField } from '../parts/time-zone-field.tsx'

const fields = ['username', 'display_name', 'first_name', 'last_name', 'phone_number', 'timezone'] as const

/** Another username needs a recent login: the server asks for that, and the dialog takes it from there. */
export function Profile({ user }: { user: User }) {
  const [isSaved, setSaved] = useState(false)

  async function save(values: Values): Promise<void> {
    setSaved(false)
    const changed = fields.filter((name) => values[name] !== user[name])
    await auth.call('PATCH /profile', { body: Object.fromEntries(changed.map((name) => [name, values[name]])) })
    setSaved(true)
  }

  return (
    <Screen title="Profile">
      <p>
        {user.email} ({user.email_verified ? 'verified' : 'not verified yet'})
      </p>
      <Form action={save} submit="Save">
        <Field label="Username" name="username" autoComplete="username" defaultValue={user.username} required />
        <Field
          label="Name that others see"
          name="display_name"
          autoComplete="nickname"
          defaultValue={user.display_name}
        />
        <Field label="First name" name="first_name" autoComplete="given-name" defaultValue={user.first_name} />
        <Field label="Last name" name="last_name" autoComplete="family-name" defaultValue={user.last_name} />
        <Field
          label="Phone number"
          name="phone_number"
          keyboard="tel"
          hint="With + and the code of the country"
          autoComplete="tel"
          defaultValue={user.phone_number}
        />
        <TimeZoneField label="Time zone" name="timezone" value={user.timezone} />
      </Form>
      {isSaved && <Done>Your profile is saved.</Done>}
    </Screen>
  )
}
