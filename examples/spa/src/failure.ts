import { ProblemError, UserChangedError } from 'auth-server-client'

/** What to show when a request has failed. */
export interface Failure {
  readonly message: string
  /** What is wrong with each field, by its name. */
  readonly fields: Readonly<Record<string, string>>
  /** Whether the same request may succeed later. */
  readonly isTemporary: boolean
}

export function failureOf(error: unknown, isField: (name: string) => boolean = () => false): Failure {
  if (error instanceof UserChangedError)
    return failure('Another user has logged in in another tab. Nothing was changed.')
  // fetch() without an answer, or without one in time.
  if (error instanceof TypeError || error instanceof DOMException) return failure('The server cannot be reached.', true)
  if (!(error instanceof ProblemError)) return failure(String(error))
  const { status, code, message, errors, retryAfter } = error
  if (status === 429) return failure(`Too many attempts. Please wait ${waitOf(retryAfter)} and try again.`, true)
  if (status >= 500) return failure('The server cannot answer at the moment.', true)
  if (code === 'step_required') return failure('Nothing was changed, as you have not confirmed who you are.')

  const faults = errors.map(({ pointer, detail }) => ({ name: pointer.replace('#/', ''), text: sentence(detail) }))
  const beside = faults.filter(({ name }) => isField(name))
  const others = faults.filter(({ name }) => !isField(name))
  const fields: Record<string, string> = {}
  for (const { name, text } of beside) fields[name] = fields[name] === undefined ? text : `${fields[name]} ${text}`
  const general = others.length > 0 ? others.map(({ text }) => text).join(' ') : sentence(message)
  return { message: beside.length > 0 && others.length === 0 ? '' : general, fields, isTemporary: false }
}

function failure(message: string, isTemporary = false): Failure {
  return { message, fields: {}, isTemporary }
}

function waitOf(seconds = 60): string {
  if (seconds < 90) return `${seconds} seconds`
  return `${Math.ceil(seconds / 60)} minutes`
}

/** The server's texts on fields go on behind the name of the field: "must be an e-mail address", "at least 8 characters". */
function sentence(text: string): string {
  const whole = text.replace(/^(?=(is|has|may|must)\b)/, 'this ').replace(/^(?=at (least|most)\b)/, 'this must have ')
  const capital = whole.charAt(0).toUpperCase() + whole.slice(1)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}
