import { createHash, randomUUID } from 'node:crypto'
import type { SourceRow } from '../../kernel/django-source.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { PhoneNumbers } from '../../kernel/ports.ts'
import { withoutControlCharacters } from '../../kernel/schemas.ts'
import {
  EmailAddress,
  makeUsername,
  nameFrom,
  placeholderAddress,
  refuseForeignAddress,
  timeZoneFrom,
  Username,
  usernameKey,
} from '../user/index.ts'
import type { Columns, Field } from './fields.ts'
import type { Problem } from './problems.ts'
import { flagOf, instantOf, textOf, uuidOf } from './values.ts'
import type { IsVerified } from './verified.ts'

/** A user of the source as a user here: the columns of `staged_users` (statements/staging.ts) by their names. */
export interface Candidate extends Profile {
  readonly django_id: string
  /** The id to keep; null where another one has to be made. */
  readonly wanted_id: number | null
  readonly uuid: string
  readonly username_key: string
  readonly verified: boolean
  readonly last_login_at: string | null
  readonly joined_at: string | null
  readonly hash: string
  readonly hash_digest: string
  /** What Django has, to be compared with what it had before. A username that was made here is null in it. */
  readonly profile: Omit<Profile, 'username'> & { readonly username: string | null }
  readonly problem: Problem | null
  /** The fields that are not what they were, as rules here refuse it. */
  readonly altered: string
  /** For the report. */
  readonly given_username: string
  readonly given_email: string
}

interface Profile {
  readonly username: string
  readonly email: string
  readonly first_name: string
  readonly last_name: string
  readonly display_name: string
  readonly phone_number: string
  readonly phone_number_verified: boolean
  readonly timezone: string
  readonly is_active: boolean
  readonly is_staff: boolean
  readonly is_superuser: boolean
  readonly is_practitioner: boolean
}

export interface Reading {
  readonly columns: Columns
  readonly phones: PhoneNumbers
  readonly isVerified: IsVerified
  /** Whether a missing address is replaced by one that stands for it. */
  readonly placeholders: boolean
}

export function candidateOf(row: SourceRow, { columns, phones, isVerified, placeholders }: Reading): Candidate {
  const columnOf = (field: Field) => (columns[field] === undefined ? undefined : row[columns[field]])
  const given = (field: Field) => textOf(columnOf(field))
  const flagIn = (field: Field) => flagOf(columnOf(field), columns[field] ?? field)
  const altered: string[] = []
  const read = (field: Field, from: string, to: string) => {
    if (from !== to) altered.push(field)
    return to
  }
  const nameOf = (field: Field) => read(field, given(field).trim(), nameFrom(given(field)))

  const { djangoId, wantedId, uuid, isInvalid } = identityOf(given('id').trim())
  const address = addressOf(given('email').trim(), placeholders ? djangoId : undefined)
  const username = usernameOf(given('username').trim(), address.email)
  const isActive = flagIn('is_active') ?? true
  const hash = hashOf(given('password'))
  if (hash !== (given('password') || unusable)) altered.push('password')
  const phoneNumber = phoneOf(given('phone_number').trim(), phones)
  if (phoneNumber === undefined) altered.push('phone_number')
  const profile: Profile = {
    username: username.username,
    email: address.email,
    first_name: nameOf('first_name'),
    last_name: nameOf('last_name'),
    display_name: nameOf('display_name'),
    phone_number: phoneNumber ?? '',
    phone_number_verified: flagIn('phone_number_verified') ?? false,
    timezone: read('timezone', given('timezone') || 'UTC', timeZoneFrom(given('timezone') || 'UTC') ?? 'UTC'),
    is_active: isActive,
    is_staff: flagIn('is_staff') ?? false,
    is_superuser: flagIn('is_superuser') ?? false,
    is_practitioner: flagIn('is_practitioner') ?? false,
  }
  return {
    django_id: djangoId,
    wanted_id: wantedId,
    uuid: uuidOf(given('uuid')) ?? uuid ?? randomUUID(),
    username_key: usernameKey(profile.username),
    verified: isVerified(row, isActive) && !address.isPlaceholder,
    last_login_at: instantOf(columnOf('last_login')),
    joined_at: instantOf(columnOf('date_joined')),
    hash,
    hash_digest: createHash('sha256').update(hash).digest('hex'),
    profile: { ...profile, username: username.isMade ? null : profile.username },
    problem: (isInvalid ? 'id_invalid' : undefined) ?? address.problem ?? username.problem ?? null,
    altered: altered.join(' '),
    given_username: storable(given('username')),
    given_email: storable(given('email')),
    // Last: before so many other properties, it would take V8 seventy times as long as all the rest.
    ...profile,
  }
}

/** Leaves so much room to number new users behind the largest that all ids are exact in JSON. */
const largestId = 9_007_199_000_000_000
const longestText = 255

interface Identity {
  readonly djangoId: string
  readonly wantedId: number | null
  readonly uuid?: string | undefined
  readonly isInvalid: boolean
}

function identityOf(text: string): Identity {
  const uuid = uuidOf(text)
  if (uuid !== undefined) return { djangoId: uuid, wantedId: null, uuid, isInvalid: false }
  if (/^-?\d+$/.test(text)) {
    const id = Number(text)
    const isKept = id >= 1 && id <= largestId
    return { djangoId: isKept ? String(id) : text, wantedId: isKept ? id : null, isInvalid: !isKept }
  }
  const isUsable = text !== '' && text.length <= longestText && storable(text) === text
  return { djangoId: storable(text), wantedId: null, isInvalid: !isUsable }
}

interface Address {
  readonly email: string
  readonly isPlaceholder: boolean
  readonly problem?: Problem
}

function addressOf(typed: string, placeholderFor: string | undefined): Address {
  if (typed === '') {
    if (placeholderFor === undefined) return { email: '', isPlaceholder: false, problem: 'email_missing' }
    const localPart = /^[\w-]{1,50}$/.test(placeholderFor)
      ? placeholderFor
      : createHash('sha256').update(placeholderFor).digest('hex').slice(0, 32)
    return { email: placeholderAddress(`user-${localPart}`.toLowerCase()), isPlaceholder: true }
  }
  const { data } = EmailAddress.safeParse(typed)
  return data === undefined
    ? { email: '', isPlaceholder: false, problem: 'email_invalid' }
    : { email: data, isPlaceholder: false }
}

function usernameOf(typed: string, email: string): { username: string; isMade: boolean; problem?: Problem } {
  if (typed === '') return { username: makeUsername(), isMade: true }
  const { data } = Username.safeParse(typed)
  if (data === undefined) return { username: storable(typed), isMade: false, problem: 'username_invalid' }
  return isForeignAddress(data, email)
    ? { username: data, isMade: false, problem: 'username_is_address' }
    : { username: data, isMade: false }
}

export function isForeignAddress(username: string, email: string): boolean {
  try {
    refuseForeignAddress(username, email)
    return false
  } catch (error) {
    if (error instanceof AuthError) return true
    throw error
  }
}

/** Undefined when it cannot be read. */
function phoneOf(text: string, phones: PhoneNumbers): string | undefined {
  if (text === '') return ''
  const parsed = phones.read(text)
  return parsed.state === 'read' ? parsed.number : undefined
}

const longestHash = 1024
/** As Django marks a password that none matches. The user can set one by a mailed link. */
const unusable = '!'

function hashOf(text: string): string {
  return text === '' || text.length > longestHash || storable(text) !== text ? unusable : text
}

/** The text as PostgreSQL and terminals can hold it. */
function storable(text: string): string {
  // Cut first: half a character may be left, which PostgreSQL refuses.
  return withoutControlCharacters(text.slice(0, longestHash).toWellFormed())
}
