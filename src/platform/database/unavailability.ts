import { Prisma } from '../../generated/prisma/client.ts'
import { StartError } from '../../kernel/errors.ts'
import { codeOf, driverCause, isConflict, isLost, messageOf } from './errors.ts'
import { isTlsFailure } from './failures.ts'

/**
 * SQLSTATEs that say that PostgreSQL cannot serve for now: connection exceptions, a refused login, a node that takes no writes,
 * a transaction that waited too long, a prepared statement of another client of a pooler, a cancelled statement, a lock not had in
 * time, insufficient resources, an end or a start by the operator, a disk that fails.
 */
const unavailable = /^(08...|28...|25006|25P0[34]|26000|42P05|57014|55P03|53...|57P..|58030)$/

/**
 * Codes of Prisma for: refused login, not reachable, no TLS, closed, no connection or no transaction in time, ended by a deadlock,
 * too many connections.
 */
const prismaCodes = ['P1000', 'P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']

/** The same as the driver adapter calls it, where Prisma has only P2010 (raw query failed), or at a COMMIT no code at all. */
const driverKinds = [
  'AuthenticationFailed',
  'ConnectionClosed',
  'DatabaseNotReachable',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
]

const driverSentences = /^(timeout exceeded when trying to connect|Cannot use a pool after)/

/**
 * Whether the error says that the database cannot serve for now, and not that a query was wrong: trying again may help. Apart from
 * errors.ts, which a start needs before Prisma is loaded.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientInitializationError) return true
  // A certificate that was there at the start.
  if (error instanceof StartError || isTlsFailure(error)) return true
  if (unavailable.test(codeOf(error)) || isConflict(error)) return true
  if (isLost(error) || driverSentences.test(messageOf(error))) return true
  if (driverKinds.includes(driverCause(error).kind ?? '')) return true
  return error instanceof Prisma.PrismaClientKnownRequestError && prismaCodes.includes(error.code)
}
