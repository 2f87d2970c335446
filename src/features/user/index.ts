export { EmailAddress } from './email.ts'
export { userErrors } from './errors.ts'
export { userEvents } from './events.ts'
export { isPlaceholderAddress, nameFrom, placeholderAddress, timeZoneFrom } from './foreign-values.ts'
export type { JsonRow } from './json-row.ts'
export { instantOf, instantOrNull, userOf } from './json-row.ts'
export {
  identifierFilter,
  identifierKey,
  isMadeUpUsername,
  makeUsername,
  PersonalFields,
  Username,
  UserReply,
  usernameKey,
} from './schemas.ts'
export type { UserService } from './service.ts'
export { createUsers, refuseForeignAddress } from './service.ts'
export type { NewUser, Roles, UserReference, UserStore } from './store.ts'
export { createUserStore } from './store.ts'
