export type { ImportOptions, ImportPlan } from './import.ts'
export { createDjangoImport } from './import.ts'
export { problems } from './problems.ts'
