import type { Db, User } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { ConfirmedPassword } from '../session/index.ts'
import { identifierFilter } from '../user/index.ts'
import type { StoredPassword } from './statements/find-password.ts'
import { findPassword } from './statements/find-password.ts'

/** The proof that a password was right: its user and its version. */
export interface PasswordProof extends ConfirmedPassword {
  readonly user: User
}

/** Of a password that has never been changed. */
export const firstVersion = 1

/**
 * The table of password hashes. Opening a session confirms the version (open-session.ts). Whatever sets another password ends all
 * sessions of the user in the same transaction, and so those that open meanwhile.
 */
export interface PasswordStore {
  find(userId: number): Promise<StoredPassword | null>
  /** By the username or the address of the user. */
  findByIdentifier(identifier: string): Promise<StoredPassword | null>
  /** Stores the first version. */
  create(userId: number, hash: string): Promise<void>
  /** Locks the password that was proven until the transaction ends; false when it has changed meanwhile. */
  confirm(proof: Pick<PasswordProof, 'user' | 'version'>): Promise<boolean>
  /** Replaces the password that was proven; false when it has changed meanwhile. */
  replace(proof: Pick<PasswordProof, 'user' | 'version'>, hash: string): Promise<boolean>
  /** Stores the same password, hashed as today's settings ask, unless it has changed meanwhile. */
  renew(proof: Pick<PasswordProof, 'user' | 'version'>, hash: string): Promise<void>
  /** Sets the password whatever it was, and returns the version that it is now. */
  reset(userId: number, hash: string): Promise<number>
  /** Deletes the password of a user who is about to be deleted, and so locks in the order of kernel/db.ts. */
  delete(userId: number): Promise<void>
}

export function createPasswordStore({ db, clock }: { readonly db: Db; readonly clock: Clock }): PasswordStore {
  return {
    find: (userId) => findPassword(db, { userId }),
    findByIdentifier: (identifier) => findPassword(db, identifierFilter(identifier)),
    async create(userId, hash) {
      await db.password.create({ data: { userId, hash, version: firstVersion, changedAt: clock.now() } })
    },
    async confirm({ user, version }) {
      const rows = await db.$queryRaw<object[]>`
        SELECT version FROM passwords WHERE user_id = ${user.id} AND version = ${version} FOR NO KEY UPDATE`
      return rows.length === 1
    },
    async replace({ user, version }, hash) {
      const { count } = await db.password.updateMany({
        where: { userId: user.id, version },
        data: { hash, version: { increment: 1 }, changedAt: clock.now() },
      })
      return count === 1
    },
    async renew({ user, version }, hash) {
      await db.password.updateMany({ where: { userId: user.id, version }, data: { hash } })
    },
    async reset(userId, hash) {
      const changedAt = clock.now()
      const { version } = await db.password.upsert({
        where: { userId },
        create: { userId, hash, version: firstVersion, changedAt },
        update: { hash, version: { increment: 1 }, changedAt },
        select: { version: true },
      })
      return version
    },
    async delete(userId) {
      await db.password.deleteMany({ where: { userId } })
    },
  }
}
