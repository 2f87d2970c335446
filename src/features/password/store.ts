import type { Db, Sql, User } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import type { ThrottleKey } from '../throttle/index.ts'
import { identifierFilter } from '../user/index.ts'

export interface StoredPassword {
  readonly hash: string
  readonly version: number
  readonly user: User
}

/** That a password was right: of whom, and which version of it. */
export interface PasswordProof {
  readonly user: User
  readonly version: number
  /** The same password hashed as we hash today, when what is stored is out of date. */
  readonly renewedHash: string | undefined
  /** Whose failures it makes forgotten. */
  readonly throttleKeys: readonly ThrottleKey[]
}

/** Of a password that nobody has changed yet. */
export const firstVersion = 1

/** The table of password hashes, on the whole database or inside one transaction. */
export interface PasswordStore {
  find(userId: number): Promise<StoredPassword | null>
  /** By the username or the address of the user. */
  findByIdentifier(identifier: string): Promise<StoredPassword | null>
  create(userId: number, hash: string): Promise<void>
  /**
   * The statement that returns a row if the password that was proven still is the user's. It locks the password until
   * its transaction ends, so that a session opened with the old one cannot slip past a change or reset in parallel.
   */
  confirmation(proof: PasswordProof): Sql
  /** Replaces the password that was proven; false when it has changed meanwhile. */
  replace(proof: Pick<PasswordProof, 'user' | 'version'>, hash: string): Promise<boolean>
  /** Sets the password whatever it was, and returns the version that it is now. */
  reset(userId: number, hash: string): Promise<number>
}

export function createPasswordStore({ db, clock }: { db: Db; clock: Clock }): PasswordStore {
  const select = { hash: true, version: true, user: true }

  return {
    find: (userId) => db.password.findUnique({ where: { userId }, select }),
    findByIdentifier: (identifier) => db.password.findFirst({ where: { user: identifierFilter(identifier) }, select }),
    async create(userId, hash) {
      await db.password.create({ data: { userId, hash, version: firstVersion, changedAt: clock.now() } })
    },
    confirmation: ({ user, version, renewedHash }) => sql`
      UPDATE passwords SET last_used_at = ${clock.now()}, hash = COALESCE(${renewedHash}, hash)
      WHERE user_id = ${user.id} AND version = ${version} RETURNING user_id`,
    async replace({ user, version }, hash) {
      const { count } = await db.password.updateMany({
        where: { userId: user.id, version },
        data: { hash, version: { increment: 1 }, changedAt: clock.now() },
      })
      return count === 1
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
  }
}
