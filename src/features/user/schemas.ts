import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { text } from '../../kernel/schemas.ts'
import { EmailAddress } from './email.ts'

const allowedCharacters = 'may hold letters, digits and @ . + - _ only'

/**
 * Letters, digits and `@.+-_`, up to 150 characters, in the one form that NFKC gives to look-alike widths; none that is
 * invisible, and no mark without a letter before it.
 */
export const Username = text({ min: 1, max: 150 })
  .transform((value) => value.normalize('NFKC'))
  .pipe(
    z
      .string()
      .max(150)
      .regex(/^(?!\p{M})[\p{L}\p{M}\p{N}@.+_-]+$/u, { error: allowedCharacters })
      .regex(/^\P{Default_Ignorable_Code_Point}+$/u, { error: allowedCharacters }),
  )

/** For registrations without a username. Random, as usernames are public and addresses are not. */
export function makeUsername(): string {
  return `user-${randomBytes(8).toString('hex')}`
}

export function isMadeUpUsername(username: string): boolean {
  return /^user-[\da-f]{16}$/.test(username)
}

/**
 * The key by which two usernames are equal: case and width do not count. Upper-cased first, as `ß` and `ς` have more
 * than one capital.
 */
export function usernameKey(username: string): string {
  return username.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}

/** The key by which two identifiers, each a username or an address, mean the same account. */
export function identifierKey(identifier: string): string {
  const user = identifierFilter(identifier)
  return 'email' in user ? user.email : user.usernameKey
}

/** The user who has that username or address; an address can be no other user's username. */
export function identifierFilter(identifier: string): { readonly email: string } | { readonly usernameKey: string } {
  // Of a text that is no address, as most usernames, the schema makes an error first.
  const address = identifier.includes('@') ? EmailAddress.safeParse(identifier) : undefined
  return address?.success ? { email: address.data } : { usernameKey: usernameKey(identifier) }
}

/**
 * A character that turns the text around it, breaks its line or is never seen (Unicode TR36, section 2.5). Allowed are the joiners, marks of
 * direction and variants that scripts need.
 */
export const deceptiveCharacter =
  /(?![\u061c\u200c-\u200f]|\p{Variation_Selector})\p{Default_Ignorable_Code_Point}|[\u2028\u2029\ufff9-\ufffb]/u

/** Visible characters; of the symbols, the Braille pattern without dots and the note without a head are not. */
const visibleCharacter = /(?![\u2800\u{1d159}])[\p{L}\p{N}\p{P}\p{S}]/u

export const longestName = 150

/** A displayed name: empty, or visible. */
const Name = text({ max: longestName })
  .transform((value) => value.trim())
  .superRefine((value, context) => {
    const [code, message] = deceptiveCharacter.test(value)
      ? ['deceptive_character', 'must not hold characters that hide or turn text around']
      : ['invisible_text', 'must hold something that can be seen']
    if (code === 'deceptive_character' || (value !== '' && !visibleCharacter.test(value))) {
      context.addIssue({ code: 'custom', params: { code }, message })
    }
  })

/** As users write it, or empty. Whether it can be read depends on the settings: see phone.ts. */
const PhoneNumber = text({ max: 64 })
  .meta({ description: 'With + and the code of the country; answered in E.164, an extension behind ;ext=' })
  .transform((value) => value.trim())

const TimeZone = text({ max: 64 }).refine(isTimeZone, { error: 'must be an IANA time zone such as Europe/Paris' })

function isTimeZone(value: string): boolean {
  try {
    // An offset such as +01:00 is no zone, though Intl takes it.
    return /^[A-Za-z]/.test(value) && Boolean(new Intl.DateTimeFormat('en', { timeZone: value }))
  } catch {
    return false
  }
}

/** The profile fields of a registration. */
export const PersonalFields = {
  first_name: Name.optional(),
  last_name: Name.optional(),
  phone_number: PhoneNumber.optional(),
  timezone: TimeZone.optional(),
}

export const ProfileChanges = z.strictObject({
  username: Username.optional(),
  display_name: Name.optional(),
  ...PersonalFields,
})

export const UserReply = z
  .object({
    id: z.int(),
    uuid: z.uuid(),
    username: z.string(),
    email: z.string(),
    email_verified: z.boolean(),
    first_name: z.string(),
    last_name: z.string(),
    full_name: z.string(),
    display_name: z.string(),
    phone_number: z.string(),
    phone_number_verified: z.boolean(),
    timezone: z.string(),
    account_status: z.enum(['active', 'pending', 'disabled']),
    last_login: z.iso.datetime().nullable(),
    date_joined: z.iso.datetime(),
    is_active: z.boolean(),
    is_staff: z.boolean(),
    is_superuser: z.boolean(),
    is_practitioner: z.boolean(),
  })
  .meta({ id: 'User' })
export type UserReply = z.infer<typeof UserReply>
