export { EmailAddress } from './email.ts'
export { userErrors } from './errors.ts'
export {
  identifierKey,
  isMadeUpUsername,
  PersonalFields,
  Username,
  UserReply,
  usernameKey,
  whoHas,
} from './schemas.ts'
export type { UserService } from './service.ts'
export { createUserService, refuseForeignAddress } from './service.ts'
export type { NewUser, UserStore } from './store.ts'
export { createUserStore } from './store.ts'
