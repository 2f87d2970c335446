import type { SourceRow } from '../../kernel/django-source.ts'
import { StartError } from '../../kernel/errors.ts'
import { EmailAddress } from '../user/index.ts'
import { flagOf, textOf, uuidOf } from './values.ts'

/** A verified address of django-allauth, in the spelling of ours. */
export interface StagedAddress {
  readonly django_id: string
  readonly email: string
}

/** Whether the address of a user counts as verified, as far as the row of the user tells. */
export type IsVerified = (row: SourceRow, isActive: boolean) => boolean

const rules: Readonly<Record<string, IsVerified>> = {
  active: (_, isActive) => isActive,
  all: () => true,
  // Decided by the addresses, once all are staged.
  allauth: () => false,
  none: () => false,
}

/** The rule of that name; of any other name, the column of that name tells. */
export function verifiedBy(rule: string, { name, columns }: { name: string; columns: readonly string[] }): IsVerified {
  const known = rules[rule]
  if (known) return known
  if (!columns.includes(rule)) {
    throw new StartError(`${name} has no column ${rule}: --verified needs active, allauth, all, none or a column`)
  }
  return (row) => flagOf(row[rule], rule) ?? false
}

/** The verified addresses among those of django-allauth. */
export function verifiedAddresses(rows: readonly SourceRow[]): StagedAddress[] {
  return rows.flatMap((row) => {
    const { data: email } = EmailAddress.safeParse(textOf(row.email).trim())
    const key = row.user_id ?? row.user
    if (Array.isArray(key)) {
      throw new StartError('The addresses name their users otherwise than by keys: dump them without --natural-foreign')
    }
    const user = textOf(key)
    return email !== undefined && flagOf(row.verified, 'verified') ? { django_id: uuidOf(user) ?? user, email } : []
  })
}
