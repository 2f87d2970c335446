import { withoutControlCharacters } from '../../kernel/schemas.ts'
import { deceptiveCharacter, longestName, PersonalFields } from './schemas.ts'

const domain = 'missing.invalid'

/** Stands for the address of a user of another service who has none there. RFC 2606 keeps the domain from ever existing. */
export function placeholderAddress(localPart: string): string {
  return `${localPart}@${domain}`
}

export function isPlaceholderAddress(email: string): boolean {
  return email.endsWith(`@${domain}`)
}

const deceptiveCharacters = new RegExp(deceptiveCharacter, 'gu')

/** A displayed name of another service: without the characters that names here may not hold, and cut to their length. */
export function nameFrom(text: string): string {
  if (text === '') return ''
  const given = PersonalFields.first_name.safeParse(text)
  if (given.success) return given.data ?? ''
  const cleaned = withoutControlCharacters(text.toWellFormed()).replace(deceptiveCharacters, '').trim()
  const cut = cleaned.slice(0, longestName).replace(/[\ud800-\udbff]$/, '')
  return PersonalFields.first_name.safeParse(cut).data ?? ''
}

/** The time zone of another service, or undefined if there is none of that name. */
export function timeZoneFrom(text: string): string | undefined {
  const known = zones.get(text)
  if (known !== undefined) return known
  const { data } = PersonalFields.timezone.safeParse(text)
  // Reading one takes longer than all the rest of a user.
  if (data !== undefined) zones.set(text, data)
  return data
}

const zones = new Map<string, string>()
