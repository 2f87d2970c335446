import { Username, usernameKey } from '../user/index.ts'
import { isForeignAddress } from './candidate.ts'
import { markConflicts } from './statements/conflicts.ts'
import type { NamedUser } from './statements/outcome.ts'
import { listWithProblem, renameUsers } from './statements/outcome.ts'
import type { ImportDb } from './statements/staging.ts'

/**
 * Resolves problems with usernames: unusual characters are replaced, and a name that is in use gets the id at Django behind it. A problem
 * hides the rules behind it, so all are compared again when it is resolved.
 */
export async function resolveByRenaming(db: ImportDb): Promise<void> {
  await rename(db, await listWithProblem(db, ['username_invalid', 'username_is_address']), usableName)
  await markConflicts(db)
  await rename(db, await listWithProblem(db, ['username_in_use', 'username_repeated']), nameWithId)
  await markConflicts(db)
}

async function rename(db: ImportDb, users: readonly NamedUser[], newName: (user: NamedUser) => string): Promise<void> {
  const renamed = users.flatMap((user) => {
    const { data: username } = Username.safeParse(newName(user))
    if (username === undefined || isForeignAddress(username, user.email)) return []
    return { position: String(user.position), username, username_key: usernameKey(username) }
  })
  if (renamed.length > 0) await renameUsers(db, renamed)
}

const longest = 150

function usableName({ username, email }: NamedUser): string {
  const usable = username
    .normalize('NFKC')
    .replace(/^(?=\p{M})/u, '_')
    .replace(/[^\p{L}\p{M}\p{N}@.+_-]+|\p{Default_Ignorable_Code_Point}+/gu, '_')
  const cut = cutTo(longest, usable)
  return isForeignAddress(cut, email) ? cut.replaceAll('@', '_') : cut
}

function nameWithId({ username, djangoId }: NamedUser): string {
  const suffix = `-${djangoId}`
  return `${cutTo(longest - suffix.length, username)}${suffix}`
}

/** Not within a character of two units. */
function cutTo(length: number, text: string): string {
  return text.slice(0, Math.max(0, length)).replace(/[\ud800-\udbff]$/, '')
}
