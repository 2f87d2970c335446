import type { z } from 'zod'
import type { AuthenticatedCaller } from '../../kernel/caller.ts'
import type { User } from '../../kernel/db.ts'
import { isUniqueViolation } from '../../kernel/db.ts'
import { AuthError } from '../../kernel/errors.ts'
import type { Events } from '../../kernel/events.ts'
import type { ContractPolicy } from '../../kernel/policy.ts'
import type { Ports } from '../../kernel/ports.ts'
import type { UnitOfWork } from '../../kernel/unit-of-work.ts'
import { EmailAddress } from './email.ts'
import { userErrors } from './errors.ts'
import { userEvents } from './events.ts'
import { readPhoneNumber } from './phone.ts'
import type { ProfileChanges, UserReply } from './schemas.ts'
import { usernameKey } from './schemas.ts'
import type { UserStore } from './store.ts'

type Changes = z.output<typeof ProfileChanges>

/** Profiles: what a user shows and may change. */
export interface UserService {
  present(user: User, policy: ContractPolicy): UserReply
  /** A phone number as it is stored. Throws `invalid_request` when it cannot be read. */
  readPhoneNumber(typed: string): string
  /** Changes the fields that are given. Writes and records nothing where they are as they were. Throws `username_taken` or `username_is_address`. */
  change(changes: Changes, caller: AuthenticatedCaller): Promise<UserReply>
  /** Changes the fields that are given and empties the others; a username cannot be empty and stays. */
  replace(changes: Changes, caller: AuthenticatedCaller): Promise<UserReply>
}

interface Needs {
  readonly ports: Pick<Ports, 'phones'>
  readonly work: UnitOfWork<{ readonly users: UserStore; readonly events: Events }>
}

export function createUsers({ ports: { phones }, work: { transaction } }: Needs): UserService {
  function statusOf({ disabledAt, emailVerifiedAt }: User, policy: ContractPolicy): UserReply['account_status'] {
    if (disabledAt) return 'disabled'
    return policy.verificationRequired && !emailVerifiedAt ? 'pending' : 'active'
  }

  function present(user: User, policy: ContractPolicy): UserReply {
    const fullName = `${user.firstName} ${user.lastName}`.trim()
    return {
      id: user.id,
      uuid: user.uuid,
      username: user.username,
      email: user.email,
      email_verified: user.emailVerifiedAt !== null,
      first_name: user.firstName,
      last_name: user.lastName,
      full_name: fullName,
      display_name: user.displayName || fullName || user.username,
      phone_number: user.phoneNumber,
      phone_number_verified: user.phoneNumberVerified,
      timezone: user.timezone,
      account_status: statusOf(user, policy),
      last_login: user.lastLoginAt?.toISOString() ?? null,
      date_joined: user.joinedAt.toISOString(),
      is_active: user.disabledAt === null,
      is_staff: user.isStaff,
      is_superuser: user.isSuperuser,
      is_practitioner: user.isPractitioner,
    }
  }

  function isSpelling(phoneNumber: string, old: string): boolean {
    const parsed = phones.read(old)
    return parsed.state === 'read' && parsed.number === phoneNumber
  }

  /** The stored number is accepted, however an earlier version wrote it: clients send back whole profiles. */
  function phoneColumns(typed: string | undefined, user: User) {
    if (typed === undefined || typed === user.phoneNumber) return {}
    const phoneNumber = readPhoneNumber(phones, typed)
    // The verified number is the old one, in any spelling.
    return { phoneNumber, phoneNumberVerified: user.phoneNumberVerified && isSpelling(phoneNumber, user.phoneNumber) }
  }

  async function change(changes: Changes, caller: AuthenticatedCaller): Promise<UserReply> {
    const { user, session, policy } = caller
    if (changes.username !== undefined) refuseForeignAddress(changes.username, user.email)
    const columns = { ...columnsOf(changes), ...phoneColumns(changes.phone_number, user) }
    const isSame = Object.entries(columns).every(([column, value]) => user[column as keyof typeof columns] === value)
    if (isSame) return present(user, policy)
    try {
      const changed = await transaction(async ({ users, events }) => {
        const fields = Object.keys(changes).join(' ')
        const event = { type: userEvents.profile_changed, userId: user.id, sessionId: session.id, details: { fields } }
        await events.record(event, caller)
        return users.update(user.id, columns)
      })
      return present(changed, policy)
    } catch (error) {
      throw isUniqueViolation(error) ? new AuthError(userErrors.username_taken) : error
    }
  }

  return {
    present,
    readPhoneNumber: (typed) => readPhoneNumber(phones, typed),
    change,
    replace: (changes, caller) =>
      change(
        { first_name: '', last_name: '', display_name: '', phone_number: '', timezone: 'UTC', ...changes },
        caller,
      ),
  }
}

/** Refuses another user's address as a username: logins and audit trails would confuse the two, and the owner could not get the name. */
export function refuseForeignAddress(username: string, ownEmail: string): void {
  // In both spellings: when the username is folded for comparison, letters beyond ASCII can become an address, or another one.
  for (const spelling of [username, usernameKey(username)]) {
    const address = EmailAddress.safeParse(spelling)
    if (address.success && address.data !== ownEmail) throw new AuthError(userErrors.username_is_address)
  }
}

function columnsOf({ username, first_name, last_name, display_name, timezone }: Changes) {
  return {
    ...(username !== undefined && { username }),
    ...(first_name !== undefined && { firstName: first_name }),
    ...(last_name !== undefined && { lastName: last_name }),
    ...(display_name !== undefined && { displayName: display_name }),
    ...(timezone !== undefined && { timezone }),
  }
}
