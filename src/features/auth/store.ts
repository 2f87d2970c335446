import { randomUUID } from 'node:crypto'
import type { Db, Registration } from '../../kernel/db.ts'
import { deleteSome, sql } from '../../kernel/db.ts'
import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import { mailTokenLifetimes } from '../mail/index.ts'
import type { NewUser } from '../user/index.ts'
import { identifierFilter, usernameKey } from '../user/index.ts'

/** The table of registrations that wait for their address to be verified. */
export interface RegistrationStore {
  create(user: NewUser, passwordHash: string, network: string): Promise<Registration>
  /** Those of these that still wait, in this order. */
  findPending(ids: readonly string[]): Promise<Registration[]>
  /** The newest that waits under this username or address. */
  findNewest(identifier: string): Promise<Registration | null>
  /** The newest few that wait for the address, one of each client network: registering again and again pushes out no other network's. */
  listPending(email: string): Promise<Pick<Registration, 'id' | 'createdAt'>[]>
  /** Lets them wait as long again as on their first day, as a new token may have been mailed. */
  prolong(ids: readonly string[]): Promise<void>
  /** Takes the password from the one that has become a user. It keeps its place, so that none before it becomes the newest. */
  clearPassword(id: string): Promise<void>
  /** Deletes some of those that have expired before that instant; says how many. */
  deleteExpired(before: Date): Promise<number>
}

/** How many registrations of an address a password is compared with, and how many a new link prolongs. */
export const mostPending = 5

/** How many are looked through for those. */
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
    deleteExpired: (before) => deleteSome(db, sql`registrations`, sql`expires_at < ${before}`),
  }
}

/** A registration waits exactly as long as its token lives. */
function expiryFrom(instant: Date): Date {
  return secondsAfter(instant, mailTokenLifetimes.complete_registration)
}
