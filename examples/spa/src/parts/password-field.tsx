import { useState } from 'preact/hooks'
import { strengthOf } from '../strength.ts'
import { useField } from './field.tsx'

interface PasswordFieldProps {
  readonly label: string
  readonly name: string
  readonly hint?: string
  /** For a password that is set: parts of the account, which make it weak. Absent for a password that exists already. */
  readonly unlike?: readonly string[]
}

export function PasswordField({ label, name, hint, unlike }: PasswordFieldProps) {
  const { id, note, attributes } = useField(name, hint)
  const [isShown, setShown] = useState(false)
  const [typed, setTyped] = useState('')
  const isNew = unlike !== undefined
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="password">
        <input
          {...attributes}
          type={(isShown ? 'text' : 'password') as 'password'}
          autoComplete={isNew ? 'new-password' : 'current-password'}
          autoCapitalize="none"
          spellcheck={false}
          required
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button
          type="button"
          className="plain"
          aria-pressed={isShown}
          aria-label={`Show: ${label}`}
          onClick={() => setShown(!isShown)}
        >
          Show
        </button>
      </div>
      {isNew && <StrengthBar password={typed} unlike={unlike} />}
      {note}
    </div>
  )
}

function StrengthBar({ password, unlike }: { password: string; unlike: readonly string[] }) {
  const { score, text } = strengthOf(password, unlike)
  return (
    <div className="strength" data-score={score}>
      <span className="bar" aria-hidden="true" />
      <p className="note" role="status">
        {text}
      </p>
    </div>
  )
}

/** Tells password managers whose password it is. */
export function HiddenUsername({ value }: { value: string }) {
  return <input type="text" autoComplete="username" value={value} hidden readOnly />
}
