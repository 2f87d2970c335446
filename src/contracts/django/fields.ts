import { z } from 'zod'
import { EmailAddress } from '../../features/user/email.ts'

/**
 * A text as the framework's CharField takes it: numbers count as their digits, spaces around it do not count. The
 * endpoint's own rules decide what else it may contain.
 */
export const Text = charField(z.string().trim().min(1, { abort: true }))
export const BlankableText = charField(z.string().trim())
/** The framework's EmailField, which calls any value that is no text an invalid address as well. */
export const Address = z
  .preprocess((value) => (['object', 'boolean'].includes(typeof value) && value !== null ? 'no text' : value), Text)
  .pipe(EmailAddress)
/** Spaces around a password belong to it. */
export const Password = charField(z.string().min(1, { abort: true }))

/** The profile fields that a user may change. */
export const ProfileText = z.object({
  username: Text.optional(),
  display_name: BlankableText.optional(),
  first_name: BlankableText.optional(),
  last_name: BlankableText.optional(),
  phone_number: BlankableText.optional(),
  timezone: Text.optional(),
})

/** Refuses a confirmation that is given and differs. */
export function confirms(confirmation: string, password: string) {
  return (sent: Readonly<Record<string, unknown>>, context: z.RefinementCtx) => {
    if (sent[confirmation] === undefined || sent[confirmation] === sent[password]) return
    context.addIssue({
      code: 'custom',
      path: [confirmation],
      message: 'the two passwords do not match',
    })
  }
}

function charField(text: z.ZodString) {
  return z.preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    text.superRefine(refuseHalfCharacters),
  )
}

function refuseHalfCharacters(value: string, context: z.RefinementCtx): void {
  const surrogate = /\p{Surrogate}/u.exec(value)?.[0]
  const refuse = (message: string) =>
    context.addIssue({ code: 'custom', params: { code: 'unusable_character' }, message, continue: false })
  if (value.includes('\0')) refuse('null characters are not allowed')
  else if (surrogate) {
    refuse(`surrogate characters are not allowed: U+${surrogate.charCodeAt(0).toString(16).toUpperCase()}`)
  }
}
