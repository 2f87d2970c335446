import type { ComponentChildren } from 'preact'
import { useContext, useId } from 'preact/hooks'
import { FieldErrors } from './form.tsx'

interface FieldProps {
  readonly label: string
  readonly name: string
  /** One line, in the place where an error is shown. */
  readonly hint?: string
  /** Which keyboard a phone shows. The type stays text: a browser rewrites addresses with international domains in inputs of type email. */
  readonly keyboard?: 'email' | 'tel'
  readonly autoComplete: string
  readonly defaultValue?: string
  readonly required?: boolean
  readonly onInput?: (value: string) => void
}

/** A labelled input of a form, with what is wrong with it. */
export function Field({ label, name, hint, keyboard, onInput, ...more }: FieldProps) {
  const isAddress = keyboard === 'email' || more.autoComplete === 'username'
  const { id, note, attributes } = useField(name, hint)
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...attributes}
        {...more}
        type="text"
        inputMode={keyboard}
        autoCapitalize={isAddress ? 'none' : undefined}
        spellcheck={isAddress ? false : undefined}
        onInput={(event) => onInput?.(event.currentTarget.value)}
      />
      {note}
    </div>
  )
}

interface FieldParts {
  readonly id: string
  readonly note: ComponentChildren
  readonly attributes: {
    readonly id: string
    readonly name: string
    readonly 'aria-describedby': string
    readonly 'aria-invalid'?: true
  }
}

/** The parts that every kind of input has: its id and name, and the line below it, which has its height while it is empty. */
export function useField(name: string, hint?: string): FieldParts {
  const id = useId()
  const error = useContext(FieldErrors)[name]
  return {
    id,
    attributes: {
      id,
      name,
      'aria-describedby': `${id}-note`,
      ...(error !== undefined && { 'aria-invalid': true }),
    },
    note: (
      <p id={`${id}-note`} className={error === undefined ? 'note' : 'note bad'}>
        {error ?? hint}
      </p>
    ),
  }
}
