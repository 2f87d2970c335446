export { EmailAddress } from './email.ts'
export { userErrors } from './errors.ts'
export { userEvents } from './events.ts'
export type { JsonRow } from './json-row.ts'
export { instantOf, instantOrNull, userOf } from './json-row.ts'
export {
  identifierFilter,
  identifierKey,
  isMadeUpUsername,
  PersonalFields,
  Username,
  UserReply,
  usernameKey,
} from './schemas.ts'
export type { UserService } from './service.ts'
export { createUsers, refuseForeignAddress } from './service.ts'
export type { NewUser, UserStore } from './store.ts'
export { createUserStore } from './store.ts'
