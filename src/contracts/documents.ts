import { authenticationErrors } from '../features/session/errors.ts'
import { describeContract } from '../http/openapi/document.ts'
import type { Json } from '../http/openapi/schemas.ts'
import { cookieName } from '../http/serving/cookies.ts'
import { refreshCookie } from '../http/serving/refresh-transport.ts'
import type { ContractName } from '../kernel/policy.ts'
import { readVersion } from '../kernel/version.ts'
import type { Config } from '../settings/config.ts'
import { contracts } from './index.ts'

/** The OpenAPI document of a contract; undefined when that is not served. */
type Documents = (contract: ContractName) => Json | undefined

/** Each document is made when it is first asked for, which keeps the start fast. */
export function createDocuments({
  contracts: { served, sunsets },
  server,
}: Pick<Config, 'contracts' | 'server'>): Documents {
  const made = new Map<ContractName, Json>()
  return (name) => {
    const contract = contracts.find((known) => known.name === name && served.includes(name))
    if (!contract) return undefined
    const document =
      made.get(name) ??
      describeContract(contract, {
        version: readVersion(),
        publicUrl: server.publicUrl,
        transport: { choice: server.refreshTransport, cookieName: cookieName(refreshCookie, server.cookies) },
        sunset: sunsets[name],
        authenticationErrors,
      })
    made.set(name, document)
    return document
  }
}
