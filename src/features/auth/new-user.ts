import type { Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Events } from '../../kernel/events.ts'
import type { PasswordStore } from '../password/index.ts'
import type { NewUser, UserStore } from '../user/index.ts'
import { userErrors } from '../user/index.ts'
import { authEvents } from './events.ts'

export interface NewUserStores {
  readonly users: UserStore
  readonly passwords: PasswordStore
  readonly events: Events
}

/** Creates a user with a password, in one transaction. Throws a unique violation when the username or the address is in use. */
export async function createUser(
  { users, passwords, events }: NewUserStores,
  person: NewUser,
  passwordHash: string,
  caller: Caller,
): Promise<User> {
  const user = await users.create(person)
  await passwords.create(user.id, passwordHash)
  await events.record({ type: authEvents.user_registered, userId: user.id }, caller)
  return user
}

/** Says which of the two is in use, once the database has said that one of them is. */
export async function takenError(users: UserStore, { username }: NewUser): Promise<AuthError> {
  return (await users.usernameIsTaken(username))
    ? new AuthError(userErrors.username_taken)
    : new AuthError(userErrors.email_taken)
}
