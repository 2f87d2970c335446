import { z } from 'zod'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/
const controlCharacters = new RegExp(controlCharacter, 'g')

/** The text as logs, pages and terminals can show it. */
export function withoutControlCharacters(value: string): string {
  return value.replaceAll(controlCharacters, '')
}

/** The text on one line: each run of white space and control characters becomes one space. */
export function onOneLine(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced.
  return value.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()
}

/**
 * A string that PostgreSQL, mails and logs can hold as it is: well-formed UTF-16 without control characters.
 * The length counts UTF-16 units and is checked before anything else is done with the string.
 */
export function text({ min = 0, max }: { min?: number; max: number }) {
  return z
    .string()
    .min(min, { abort: true })
    .max(max, { abort: true })
    .superRefine((value, context) => {
      if (!value.isWellFormed()) {
        context.addIssue({
          code: 'custom',
          params: { code: 'ill_formed_text' },
          message: 'must be well-formed Unicode',
        })
      } else if (controlCharacter.test(value)) {
        context.addIssue({
          code: 'custom',
          params: { code: 'control_character' },
          message: 'must not hold control characters',
        })
      }
    })
}

/** An answer that is a message for users. */
export const Detail = z.object({ detail: z.string() }).meta({ id: 'Detail' })
