import type { Caller } from './caller.ts'
import type { Clock, Logger } from './ports.ts'
import type { Scope } from './unit-of-work.ts'

/** A kind of event, as the feature that records it declares it. */
export interface EventDefinition {
  /** As rows and log lines have it; it outlives deployments. */
  readonly name: string
  /** A sentence for operators that says what has happened. */
  readonly meaning: string
}

/** Declares events as data: `{ name: sentence }`. */
export function defineEvents<Name extends string>(
  meanings: Readonly<Record<Name, string>>,
): Readonly<Record<Name, EventDefinition>> {
  const entries = Object.entries<string>(meanings).map(([name, meaning]) => [name, { name, meaning }])
  return Object.freeze(Object.fromEntries(entries))
}

/** A change of a user's security, to be kept. */
export interface SecurityEvent {
  readonly type: EventDefinition
  readonly userId?: number
  readonly sessionId?: string
  readonly details?: Readonly<Record<string, string | number | boolean>>
}

/** An event as its row holds it. */
export interface WrittenEvent {
  readonly type: string
  readonly user_id: number | null
  readonly session_id: string | null
  readonly details: object
}

/** The audit trail. An event is written in the transaction of the change that it tells of. */
export interface Events {
  /** Writes the event as a row and, once that row is committed, as a log line. */
  record(event: SecurityEvent, caller: Caller): Promise<void>
  /** Logs, once they are committed, events whose rows a larger statement has written. */
  log(written: readonly WrittenEvent[], caller: Caller): void
}

export function createEvents({
  db,
  afterCommit,
  clock,
  logger,
}: Pick<Scope, 'db' | 'afterCommit'> & { readonly clock: Clock; readonly logger: Logger }): Events {
  function log(written: readonly WrittenEvent[], { ip, requestId }: Caller): void {
    afterCommit(() => {
      for (const { type: event, user_id, session_id, details } of written) {
        logger.info({ event, user_id, session_id, ip, request_id: requestId, ...details }, 'event')
      }
    })
  }

  return {
    async record({ type, userId = null, sessionId = null, details = {} }, caller) {
      const { ip, userAgent, requestId } = caller
      await db.$executeRaw`
        INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, details)
        VALUES (${type.name}, ${clock.now()}, ${userId}, ${sessionId}::uuid, ${ip}, ${userAgent}, ${requestId}::uuid,
          ${JSON.stringify(details)}::jsonb)`
      log([{ type: type.name, user_id: userId, session_id: sessionId, details }], caller)
    },
    log,
  }
}
