import type { Features } from '../features/composition.ts'
import type { UserReference } from '../features/user/index.ts'
import type { User } from '../kernel/db.ts'
import { StartError } from '../kernel/errors.ts'
import { printable } from './text.ts'

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

export function isUuid(text: string): boolean {
  return uuid.test(text)
}

/**
 * Reads the name of a user. Ids carry a prefix with a colon, which no username holds: a user called `42` must not be taken for the
 * user with that id.
 */
function readReference(text: string): UserReference | undefined {
  const [, kind, value = ''] = /^(id|uuid):(.*)$/s.exec(text) ?? []
  if (kind === 'id')
    return /^\d+$/.test(value) && Number.isSafeInteger(Number(value)) ? { id: Number(value) } : undefined
  if (kind === 'uuid') return isUuid(value) ? { uuid: value.toLowerCase() } : undefined
  return { identifier: text }
}

/** The user whom an operator names. Throws when there is none. */
export async function findUser({ administration }: Features, text: string): Promise<User> {
  const reference = readReference(text)
  const user = reference && (await administration.find(reference))
  if (user) return user
  throw new StartError(
    `There is no user ${printable(text)}. Name one by username, address, id:42 or uuid:…; auth-server users list shows them`,
  )
}
