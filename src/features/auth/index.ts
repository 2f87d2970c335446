export type { NewUserStores } from './new-user.ts'
export { createUser, takenError } from './new-user.ts'
export { createAuth } from './service.ts'
export { createRegistrationStore } from './store.ts'
