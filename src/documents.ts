import type { Config } from './config.ts'
import { contracts } from './contracts/index.ts'
import { sessionErrors } from './features/session/index.ts'
import { describeContract } from './http/openapi.ts'
import type { Json } from './http/openapi-schemas.ts'
import type { ContractName } from './kernel/terms.ts'
import { readVersion } from './version.ts'

/** What a request with an access token may be refused with. */
export const authenticationErrors = [
  sessionErrors.token_invalid,
  sessionErrors.access_token_expired,
  sessionErrors.session_revoked,
  sessionErrors.session_expired,
]

/** The OpenAPI documents of the contracts that are served. */
export function createDocuments({
  contracts: { served, sunsets },
}: Pick<Config, 'contracts'>): ReadonlyMap<ContractName, Json> {
  const version = readVersion()
  return new Map(
    contracts
      .filter(({ name }) => served.includes(name))
      .map((contract) => [
        contract.name,
        describeContract(contract, {
          version,
          sunset: sunsets[contract.name],
          authenticationErrors,
        }),
      ]),
  )
}
