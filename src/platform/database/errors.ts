/** SQLSTATEs of transactions that PostgreSQL ended in favour of another one: nothing of them happened, and the same again may succeed. */
const conflicts = /^40(001|P01)$/

/**
 * SQLSTATEs of connections that lead to a node which ends or takes no writes, or on which prepared statements are not those that
 * were prepared: another connection may lead elsewhere.
 */
const astray = /^(08...|25006|26000|42P05|57P..)$/

/** SQLSTATEs of a PostgreSQL, or of a pooler before it, that may take the same connection a little later. */
const comingUp = /^(08...|53300|57P0[1-4])$/

/** The messages of PgBouncer about lasting faults: it has one SQLSTATE, 08P01, for all. */
const poolerRefusals = /authentication failed|no such (user|database)/i

/** Errors of sockets and of `pg`, some of which Prisma passes through as they are. */
const socketCodes = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENOTFOUND|EAI_AGAIN)$/
const lostSentences =
  /^(Query read timeout|Connection terminated|Client (has encountered a connection error|was closed))/
/** The messages of `pg` about a server that does not answer, or that accepts no further connection. */
const lateSentences = /^(timeout expired|There was an error establishing an SSL connection)/

/** Whether the transaction, or the statement that was one of its own, lost against another one and may be tried again. */
export function isConflict(error: unknown): boolean {
  return conflicts.test(codeOf(error))
}

/** Whether the node takes no writes: it is a standby, or its operator or provider says so. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === '25006'
}

/** Whether there is no room for what was to be written. */
export function isDiskFull(error: unknown): boolean {
  return codeOf(error) === '53100'
}

/** Whether the connection is of no more use, and those that were opened with it may not be either. */
export function isAstray(error: unknown): boolean {
  return astray.test(codeOf(error)) || isLost(error)
}

export function isLost(error: unknown): boolean {
  return socketCodes.test(codeOf(error)) || lostSentences.test(messageOf(error))
}

/** Whether a connection failed in a way that passes when PostgreSQL, its machine or its name comes up. */
export function mayComeUp(error: unknown): boolean {
  if (poolerRefusals.test(messageOf(error))) return false
  // The path of a Unix socket that is not there yet.
  const isSocketMissing = codeOf(error) === 'ENOENT' && (error as NodeJS.ErrnoException).syscall === 'connect'
  return isLost(error) || isSocketMissing || comingUp.test(codeOf(error)) || lateSentences.test(messageOf(error))
}

interface DriverCause {
  readonly kind?: string
  readonly originalCode?: string
}

export function driverCause(error: unknown): DriverCause {
  const { meta, cause } = (error ?? {}) as {
    meta?: { driverAdapterError?: { cause?: DriverCause } }
    cause?: DriverCause
  }
  return meta?.driverAdapterError?.cause ?? cause ?? {}
}

/**
 * The error of PostgreSQL or the socket, whether thrown by `pg`, by its adapter, or by Prisma with or without a code.
 */
export function codeOf(error: unknown): string {
  return driverCause(error).originalCode ?? String((error as { code?: unknown } | undefined)?.code)
}

export function messageOf(error: unknown): string {
  return String((error as { message?: unknown } | undefined)?.message)
}
