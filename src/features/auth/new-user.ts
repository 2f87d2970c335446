import type { Caller } from '../../kernel/caller.ts'
import type { Db, User } from '../../kernel/db.ts'
import type { EventRecorder } from '../../kernel/events.ts'
import type { PasswordStore } from '../password/index.ts'
import type { NewUser, UserStore } from '../user/index.ts'

/** Makes a user with a password, in the transaction that it is given. Throws a unique violation when username or address are taken. */
export type CreateUser = (tx: Db, person: NewUser, passwordHash: string, caller: Caller) => Promise<User>

export function createUserCreator({
  usersIn,
  passwordsIn,
  recordEvent,
}: {
  usersIn: (db: Db) => UserStore
  passwordsIn: (db: Db) => PasswordStore
  recordEvent: EventRecorder
}): CreateUser {
  return async (tx, person, passwordHash, caller) => {
    const user = await usersIn(tx).create(person)
    await passwordsIn(tx).create(user.id, passwordHash)
    await recordEvent(tx, { type: 'user_registered', userId: user.id }, caller)
    return user
  }
}
