import type { FeatureServices } from '../features/index.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { djRestAuth } from './dj-rest-auth.ts'
import { djoser } from './djoser.ts'
import { drf } from './drf.ts'
import { restAuth } from './rest-auth.ts'
import { simpleJwt } from './simple-jwt.ts'
import { v1 } from './v1.ts'

/** The published surfaces; where one lies below another, the one below comes first. */
export const contracts: readonly Contract<FeatureServices>[] = [v1, drf, restAuth, simpleJwt, djRestAuth, djoser]
