import type { FeatureServices } from '../features/index.ts'
import { features } from '../features/index.ts'
import type { Contract } from '../http/contracts/contract.ts'
import { ownRows } from '../http/contracts/contract.ts'
import { problemDetails } from '../http/contracts/error-format.ts'

/** Our own API: every endpoint of every feature that has a route, as it is declared. */
export const v1: Contract<FeatureServices> = {
  name: 'v1',
  title: 'Our own API',
  prefix: '/api/v1/auth',
  trailingSlash: false,
  takesForms: false,
  errorFormat: problemDetails,
  policy: {},
  differences: [],
  rows: ownRows(features.flatMap(({ endpoints }) => endpoints ?? [])),
}
