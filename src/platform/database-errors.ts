import { Prisma } from '../generated/prisma/client.ts'

/** Codes of Prisma for: not reachable, closed, no connection or no transaction in time, sacrificed to a deadlock, too many connections. */
const prismaCodes = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']

/** The same as the driver adapter calls it, where Prisma has only P2010 (raw query failed). */
const driverKinds = ['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections']

/** SQLSTATEs: connection exceptions, PostgreSQL starts or stops, too many connections. */
const sqlStates = /^(08...|57P0.|53300)$/

/** Errors of sockets and of `pg` that Prisma passes through as they are. */
const socketCodes = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN)$/
const driverSentences =
  /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Cannot use a pool after)/

/** Whether the error says that the database cannot serve for now, and not that a query was wrong: trying again may help. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientInitializationError) return true
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    const { kind = '', originalCode = '' } = driverCause(error)
    // The first connection fails with the code of its cause in place of Prisma's.
    const isCode = (code: string) => prismaCodes.includes(code) || sqlStates.test(code) || socketCodes.test(code)
    return isCode(error.code) || isCode(originalCode) || driverKinds.includes(kind)
  }
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return socketCodes.test(String(code)) || driverSentences.test(String(message))
}

function driverCause({ meta }: Prisma.PrismaClientKnownRequestError): { kind?: string; originalCode?: string } {
  const failure = meta?.driverAdapterError as { cause?: object } | undefined
  return failure?.cause ?? {}
}
