import { randomUUID } from 'node:crypto'
import type { Db, User } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { identifierFilter, usernameKey } from './schemas.ts'

export interface NewUser {
  readonly username: string
  readonly email: string
  readonly emailVerifiedAt?: Date
  readonly firstName: string
  readonly lastName: string
  readonly phoneNumber: string
  readonly timezone: string
}

type ProfileColumns = Partial<Omit<NewUser, 'email' | 'emailVerifiedAt'>> & {
  readonly displayName?: string
  readonly phoneNumberVerified?: boolean
}

/** What a user may do in the services behind this one. */
export type Roles = Pick<User, 'isStaff' | 'isSuperuser' | 'isPractitioner'>

/** A name of one user: an id or a uuid, or a username or an address. */
export type UserReference = { readonly id: number } | { readonly uuid: string } | { readonly identifier: string }

/** The table of users. Opening a session notes the login here as well (open-session.ts). */
export interface UserStore {
  findById(id: number): Promise<User | null>
  /** The address in lower case, as EmailAddress gives it. */
  findByEmail(email: string): Promise<User | null>
  findByReference(reference: UserReference): Promise<User | null>
  /** Those with an id below `before`, the newest first. */
  list(page: { readonly before: number | undefined; readonly limit: number }): Promise<User[]>
  usernameIsTaken(username: string): Promise<boolean>
  /** Throws a unique violation when the username or the address is in use. */
  create(user: NewUser): Promise<User>
  /** Begins another session epoch, which ends every session of the user; undefined when the user is gone. */
  beginSessionEpoch(id: number): Promise<number | undefined>
  /** A user whose sessions were all ended before that instant, and may not have been deleted yet. */
  findWithEarlierEpochs(before: Date): Promise<Pick<User, 'id' | 'sessionEpoch'> | null>
  /** Notes that the sessions of earlier epochs have been deleted; says of how many users. */
  clearSessionsEndedAt(id: number, before: Date): Promise<number>
  /** Marks the address as verified if it still is the user's and not verified yet; false otherwise. */
  markEmailVerified(id: number, email: string): Promise<boolean>
  update(id: number, changes: ProfileColumns): Promise<User>
  /** False when the user is so already, or gone. */
  setDisabled(id: number, isDisabled: boolean): Promise<boolean>
  setRoles(id: number, roles: Partial<Roles>): Promise<User>
  /** Deletes the user, with the sessions; false when the user is gone. */
  delete(id: number): Promise<boolean>
}

export function createUserStore({ db, clock }: { db: Db; clock: Clock }): UserStore {
  return {
    findByEmail: (email) => db.user.findUnique({ where: { email } }),
    findById: (id) => db.user.findUnique({ where: { id } }),
    findByReference: (reference) =>
      db.user.findUnique({
        where: 'identifier' in reference ? identifierFilter(reference.identifier) : reference,
      }),
    list: ({ before, limit }) =>
      db.user.findMany({
        where: before === undefined ? {} : { id: { lt: before } },
        orderBy: { id: 'desc' },
        take: limit,
      }),
    async usernameIsTaken(username) {
      return (await db.user.findUnique({ where: { usernameKey: usernameKey(username) } })) !== null
    },
    create: (user) =>
      db.user.create({
        data: { ...user, uuid: randomUUID(), usernameKey: usernameKey(user.username), joinedAt: clock.now() },
      }),
    async beginSessionEpoch(id) {
      const now = clock.now()
      const [begun] = await db.$queryRaw<{ epoch: number }[]>`
        UPDATE users SET session_epoch = session_epoch + 1, sessions_ended_at = ${now}, epoch_began_at = ${now}
        WHERE id = ${id} RETURNING session_epoch AS epoch`
      return begun?.epoch
    },
    findWithEarlierEpochs: (before) =>
      db.user.findFirst({
        where: { sessionsEndedAt: { lt: before } },
        // Ordered so that PostgreSQL uses the index however many there are.
        orderBy: { sessionsEndedAt: 'asc' },
        select: { id: true, sessionEpoch: true },
      }),
    async clearSessionsEndedAt(id, before) {
      const { count } = await db.user.updateMany({
        where: { id, sessionsEndedAt: { lt: before } },
        data: { sessionsEndedAt: null },
      })
      return count
    },
    async markEmailVerified(id, email) {
      const { count } = await db.user.updateMany({
        where: { id, email, emailVerifiedAt: null },
        data: { emailVerifiedAt: clock.now() },
      })
      return count === 1
    },
    update: (id, changes) =>
      db.user.update({
        where: { id },
        data: changes.username === undefined ? changes : { ...changes, usernameKey: usernameKey(changes.username) },
      }),
    async setDisabled(id, isDisabled) {
      const { count } = await db.user.updateMany({
        where: { id, disabledAt: isDisabled ? null : { not: null } },
        data: { disabledAt: isDisabled ? clock.now() : null },
      })
      return count === 1
    },
    setRoles: (id, roles) => db.user.update({ where: { id }, data: roles }),
    async delete(id) {
      const { count } = await db.user.deleteMany({ where: { id } })
      return count === 1
    },
  }
}
