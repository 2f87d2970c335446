import { randomUUID } from 'node:crypto'
import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { deleteDue } from '../../kernel/clean-up.ts'
import type { Db, Registration } from '../../kernel/db.ts'
import { sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import { mailTokenLifetimes } from '../mail/index.ts'
import type { NewUser } from '../user/index.ts'
import { identifierFilter, usernameKey } from '../user/index.ts'

/** The table of pending registrations. */
export interface RegistrationStore {
  create(user: NewUser, passwordHash: string, network: string): Promise<Registration>
  /** Those with these ids that are still pending, in the order of the ids. */
  findPending(ids: readonly string[]): Promise<Registration[]>
  /** The newest pending one with this username or address. */
  findNewest(identifier: string): Promise<Registration | null>
  /** The newest few of the address, one per client network, so that repeated registrations from one network displace no others. */
  listPending(email: string): Promise<Pick<Registration, 'id' | 'createdAt'>[]>
  /** Starts their lifetime anew, as a new token may have been mailed. */
  prolong(ids: readonly string[]): Promise<void>
  /** Clears the password of the one that has become a user. The row stays, so that no earlier registration becomes the newest. */
  clearPassword(id: string): Promise<void>
  /** Deletes some of those that expired long ago; says how many. */
  deleteExpired(run: CleanUpRun): Promise<number>
}

/** How many registrations of an address a password is compared with, and how many a new link prolongs. */
export const mostPending = 5

/** How many rows are searched for those. */
const mostRecent = 200

export function createRegistrationStore({ db, clock }: { db: Db; clock: Clock }): RegistrationStore {
  return {
    create({ username, email, firstName, lastName, phoneNumber, timezone }, passwordHash, network) {
      const createdAt = clock.now()
      const expiresAt = expiryFrom(createdAt)
      const person = { username, usernameKey: usernameKey(username), email, firstName, lastName, phoneNumber, timezone }
      return db.registration.create({
        data: { id: randomUUID(), ...person, passwordHash, network, createdAt, expiresAt },
      })
    },
    async findPending(ids) {
      const found = await db.registration.findMany({ where: { id: { in: [...ids] }, expiresAt: { gt: clock.now() } } })
      return found.sort((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id))
    },
    findNewest: (identifier) =>
      db.registration.findFirst({
        where: { ...identifierFilter(identifier), expiresAt: { gt: clock.now() } },
        orderBy: { createdAt: 'desc' },
      }),
    listPending: (email) =>
      db.$queryRaw<Pick<Registration, 'id' | 'createdAt'>[]>`
        WITH recent AS (
          SELECT id, network, created_at FROM registrations
          WHERE email = ${email} AND expires_at > ${clock.now()} ORDER BY created_at DESC LIMIT ${mostRecent}
        ),
        newest AS (SELECT DISTINCT ON (network) id, created_at FROM recent ORDER BY network, created_at DESC)
        SELECT id, created_at AS "createdAt" FROM newest ORDER BY created_at DESC LIMIT ${mostPending}`,
    async prolong(ids) {
      await db.registration.updateMany({
        where: { id: { in: [...ids] } },
        data: { expiresAt: expiryFrom(clock.now()) },
      })
    },
    async clearPassword(id) {
      await db.registration.updateMany({ where: { id }, data: { passwordHash: '' } })
    },
    deleteExpired: (run) => deleteDue(db, { ...run, table: sql`registrations`, by: sql`expires_at` }),
  }
}

/** A registration is pending exactly as long as its token is valid. */
function expiryFrom(instant: Date): Date {
  return secondsAfter(instant, mailTokenLifetimes.complete_registration)
}
