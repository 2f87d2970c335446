import type { Caller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import type { NewUserStores } from '../auth/index.ts'
import { createUser, takenError } from '../auth/index.ts'
import type { MailTokens } from '../mail/index.ts'
import type { Passwords } from '../password/index.ts'
import type { SessionStore } from '../session/index.ts'
import { endAllSessions } from '../session/index.ts'
import type { AttemptStore, Throttle } from '../throttle/index.ts'
import type { NewUser, Roles, UserReference } from '../user/index.ts'
import { identifierKey, refuseForeignAddress } from '../user/index.ts'
import { administrationEvents } from './events.ts'

/** The changes of users that operators make. Each is recorded with the operator's name. */
export interface Administration {
  find(reference: UserReference): Promise<User | null>
  /** Those with an id below `before`, the newest first. */
  list(page: { readonly before: number | undefined; readonly limit: number }): Promise<User[]>
  /** Creates a user whose address counts as verified. Throws what is wrong with username, address or password. */
  create(person: Omit<NewUser, 'emailVerifiedAt'>, access: Access, operator: Caller): Promise<User>
  /** Disables the user and ends all sessions; false when the user is disabled already. */
  disable(user: User, operator: Caller): Promise<boolean>
  /** Lets the user log in again; sessions that ended stay so. False when the user is not disabled. */
  enable(user: User, operator: Caller): Promise<boolean>
  setRoles(user: User, roles: Partial<Roles>, operator: Caller): Promise<User>
  /** False when the user is gone. */
  delete(user: User, operator: Caller): Promise<boolean>
}

interface Access {
  readonly password: string
  readonly roles: Partial<Roles>
}

interface Stores extends NewUserStores {
  readonly sessions: SessionStore
  readonly attempts: AttemptStore
  readonly mailTokens: MailTokens
}

interface Needs {
  readonly ports: Pick<Ports, 'clock' | 'hasher'>
  readonly work: UnitOfWork<Stores>
  readonly passwords: Passwords
  readonly throttle: Throttle
}

const mailedTokens = ['reset_password', 'verify_email'] as const

export function createAdministration({ ports, work, passwords, throttle }: Needs): Administration {
  const { clock, hasher } = ports
  const { stores, transaction } = work

  async function setRoles(within: Stores, user: User, roles: Partial<Roles>, operator: Caller): Promise<User> {
    const { isStaff, isSuperuser, isPractitioner } = roles
    const details = {
      ...(isStaff !== undefined && { staff: isStaff }),
      ...(isSuperuser !== undefined && { superuser: isSuperuser }),
      ...(isPractitioner !== undefined && { practitioner: isPractitioner }),
    }
    const changed = await within.users.setRoles(user.id, roles)
    await within.events.record({ type: administrationEvents.roles_changed, userId: user.id, details }, operator)
    return changed
  }

  async function revokeMailedTokens({ mailTokens }: Stores, { id }: User): Promise<void> {
    for (const purpose of mailedTokens) await mailTokens.revoke({ purpose, targetId: String(id) })
  }

  return {
    find: (reference) => stores.users.findByReference(reference),

    list: (page) => stores.users.list(page),

    async create(person, { password, roles }, operator) {
      refuseForeignAddress(person.username, person.email)
      passwords.policy.check(password, 'password', person)
      const hash = await hasher.hash(password, operator.network)
      try {
        return await transaction(async (within) => {
          const user = await createUser(within, { ...person, emailVerifiedAt: clock.now() }, hash, operator)
          return setRoles(within, user, roles, operator)
        })
      } catch (error) {
        throw isUniqueViolation(error) ? await takenError(stores.users, person) : error
      }
    },

    disable: (user, operator) =>
      transaction(async (within) => {
        await revokeMailedTokens(within, user)
        if (!(await within.users.setDisabled(user.id, true))) return false
        // A disabled user has no live session; without this, the old ones would live again once the user is enabled.
        await endAllSessions(within, { userId: user.id, reason: 'user_disabled' }, operator)
        await within.events.record({ type: administrationEvents.user_disabled, userId: user.id }, operator)
        return true
      }),

    enable: (user, operator) =>
      transaction(async ({ users, events }) => {
        if (!(await users.setDisabled(user.id, false))) return false
        await events.record({ type: administrationEvents.user_enabled, userId: user.id }, operator)
        return true
      }),

    setRoles: (user, roles, operator) => transaction((within) => setRoles(within, user, roles, operator)),

    delete: (user, operator) =>
      transaction(async (within) => {
        const { passwords: hashes, attempts, users, events } = within
        await revokeMailedTokens(within, user)
        await hashes.delete(user.id)
        await attempts.reopen(throttle.keys.account(user.id, identifierKey(user.email)))
        if (!(await users.delete(user.id))) return false
        await events.record({ type: administrationEvents.user_deleted, userId: user.id }, operator)
        return true
      }),
  }
}
