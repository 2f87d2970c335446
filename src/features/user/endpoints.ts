import { z } from 'zod'
import { endpoint } from '../../http/contracts/endpoint.ts'
import type { AuthenticatedCaller } from '../../kernel/caller.ts'
import { userErrors } from './errors.ts'
import { ProfileChanges, UserReply } from './schemas.ts'
import type { UserService } from './service.ts'

interface Needs {
  readonly users: UserService
}

const topic = { name: 'Profile', description: 'The user’s name, phone number and other details.' }

export const readProfile = endpoint({
  name: 'readProfile',
  topic,
  description: 'Reads the account of the access token. Changes nothing.',
  route: 'GET /profile',
  summary: 'The account of the caller',
  access: 'bearer_to_read',
  limit: 'read',
  input: z.strictObject({}),
  status: 200,
  output: UserReply,
  errors: [],
  handle: async ({ users }: Needs, _input, { user, policy }) => users.present(user, policy),
})

const profileChange = {
  access: 'bearer',
  limit: { class: 'change', bucket: 'changeProfile' },
  input: ProfileChanges,
  status: 200,
  output: UserReply,
  errors: [userErrors.username_taken, userErrors.username_is_address],
} as const

/** The username is what users log in with: a stolen access token must not change it (ASVS 7.5.1). */
function changesUsername({ username }: { readonly username?: string | undefined }, { user }: AuthenticatedCaller) {
  return username !== undefined && username !== user.username
}

export const changeProfile = endpoint({
  ...profileChange,
  name: 'changeProfile',
  topic,
  description:
    'Changes the fields that are sent and leaves the others. The address and the password cannot be changed here, and another username only by a user who has authenticated recently. Nothing is mailed.',
  route: 'PATCH /profile',
  summary: 'Change some fields of the profile',
  fresh: '10m',
  freshWhen: changesUsername,
  handle: ({ users }: Needs, input, caller) => users.change(input, caller),
})

export const replaceProfile = endpoint({
  ...profileChange,
  name: 'replaceProfile',
  topic,
  description:
    'Sets all fields of the profile. The address and the password cannot be changed here, and another username only by a user who has authenticated recently. Nothing is mailed.',
  route: 'PUT /profile',
  summary: 'Replace the profile: absent fields become empty, an absent time zone UTC, and an absent username stays',
  fresh: '10m',
  freshWhen: changesUsername,
  handle: ({ users }: Needs, input, caller) => users.replace(input, caller),
})
