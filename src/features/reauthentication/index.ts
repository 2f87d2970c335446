export { createReauthentication } from './service.ts'
export { createReauthenticationStore } from './store.ts'
