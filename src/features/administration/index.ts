export { createOperations } from './operations.ts'
export { createAdministration } from './service.ts'
