import type { ComponentChildren } from 'preact'
import { createContext } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Failure } from '../failure.ts'
import { failureOf } from '../failure.ts'

/** What is wrong with each field of the form, by its name. */
export const FieldErrors = createContext<Failure['fields']>({})

/** The values of the fields by their names. */
export type Values = Readonly<Record<string, string>>

interface FormProps {
  /** Sends the values. What it throws is shown beside the fields, or below them. */
  readonly action: (values: Values) => Promise<unknown>
  readonly submit: string
  readonly children?: ComponentChildren
  /** In front of the button, which is the second one then. */
  readonly first?: ComponentChildren
  /** Beside the button. */
  readonly more?: ComponentChildren
}

/** A form that keeps what was typed whatever becomes of the request. */
export function Form({ action, submit, children, first, more }: FormProps) {
  const form = useRef<HTMLFormElement>(null)
  const [failure, setFailure] = useState<Failure>()
  const [isBusy, setBusy] = useState(false)

  useEffect(() => {
    if (failure) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [failure])

  async function send(event: Event): Promise<void> {
    event.preventDefault()
    const { current } = form
    if (!current || isBusy) return
    setFailure(undefined)
    const missing = missingIn(current)
    if (Object.keys(missing).length > 0) return setFailure({ message: '', fields: missing, isTemporary: false })
    setBusy(true)
    try {
      await action(valuesOf(current))
    } catch (error) {
      setFailure(failureOf(error, (name) => current.elements.namedItem(name) !== null))
    }
    setBusy(false)
  }

  return (
    <form ref={form} method="post" noValidate onSubmit={(event) => void send(event)} aria-busy={isBusy}>
      <FieldErrors.Provider value={failure?.fields ?? {}}>{children}</FieldErrors.Provider>
      <div className="actions">
        {first}
        {/* Not disabled while busy: that would take the focus away. */}
        <button type="submit" className={first ? 'plain' : undefined} aria-disabled={isBusy}>
          {failure?.isTemporary ? 'Try again' : submit}
        </button>
        {more}
      </div>
      <p role="alert" className="message bad">
        {failure?.message}
        {failure?.isTemporary && ' Nothing that you typed is lost.'}
      </p>
    </form>
  )
}

function valuesOf(form: HTMLFormElement): Values {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]))
}

function missingIn(form: HTMLFormElement): Record<string, string> {
  const inputs = [...form.elements].filter((element) => element instanceof HTMLInputElement)
  const missing = inputs.filter(({ required, value }) => required && value === '')
  return Object.fromEntries(missing.map(({ name }) => [name, 'Please fill this in.']))
}
