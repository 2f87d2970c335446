import type { ErrorDefinition } from '../../kernel/errors.ts'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { Endpoint } from '../contracts/endpoint.ts'
import { needsAccessToken } from '../contracts/endpoint.ts'

const ofRequests: readonly ErrorDefinition[] = Object.values(requestErrors)

/** The error; or a fault in its place, if it is a refusal that the endpoint does not declare. */
export type CheckDeclared = <Needs>(error: unknown, endpoint: Endpoint<Needs>) => unknown

export function createDeclarationCheck(authenticationErrors: readonly ErrorDefinition[]): CheckDeclared {
  return (error, { name, access, errors }) => {
    if (!(error instanceof AuthError)) return error
    const { definition } = error
    const isDeclared =
      errors.includes(definition) ||
      ofRequests.includes(definition) ||
      (needsAccessToken(access) && authenticationErrors.includes(definition))
    return isDeclared ? error : new Error(`endpoint ${name} failed with ${definition.code}, which it does not declare`)
  }
}
