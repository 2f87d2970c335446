export { createAuth } from './service.ts'
export { createRegistrationStore } from './store.ts'
