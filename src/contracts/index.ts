import type { FeatureServices } from '../features/index.ts'
import type { Contract } from '../http/contract.ts'
import { v1 } from './v1.ts'

/** The published surfaces. */
export const contracts: readonly Contract<FeatureServices>[] = [v1]
