import type { Response } from 'express'
import type { ContractName } from '../../kernel/policy.ts'
import type { Access } from '../contracts/endpoint.ts'

/** The data of a request so far, for its log line, the metrics and the error formats. */
export interface RequestLocals {
  requestId: string
  /** Of the trace that the request belongs to, if it belongs to one. */
  traceId?: string | undefined
  contract?: ContractName
  /** The route, as its table writes it. */
  path?: string
  endpoint?: string
  access?: Access
  userId?: number
  /** Of the error that was answered. */
  code?: string
}

/** Express leaves `locals` untyped; everything reads and writes it through here. */
export function localsOf(response: Response): RequestLocals {
  return response.locals as RequestLocals
}
