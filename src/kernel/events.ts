import type { Caller } from './caller.ts'
import type { Event } from './db.ts'
import type { CounterDefinition, Meter } from './meter.ts'
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

/** An event as its row holds it. A statement returns the user's id as `float8`: a bigint would come as a BigInt, which JSON refuses. */
export interface WrittenEvent {
  readonly type: string
  readonly user_id: number | null
  readonly session_id: string | null
  readonly details: object
}

/** An event as it is read again. */
export type RecordedEvent = Omit<Event, 'id'> & { readonly id: string }

export interface EventFilter {
  readonly since: Date
  readonly userId?: number | undefined
  readonly limit: number
}

/** The audit trail. An event is written in the transaction of the change that it tells of. */
export interface Events {
  /** Writes the event as a row and, once that row is committed, as a log line. */
  record(event: SecurityEvent, caller: Caller): Promise<void>
  /** Logs, once they are committed, events whose rows a larger statement has written. */
  log(written: readonly WrittenEvent[], caller: Caller): void
  /** Events since that instant, of the user if one is given: the newest ones, the oldest of them first. */
  list(filter: EventFilter): Promise<RecordedEvent[]>
}

const eventCounter = {
  name: 'auth_events_total',
  help: 'Events of the audit trail, by type.',
  label: 'event',
  values: [] as string[],
}

/** The counter of events of these types. */
export function eventCounterOf(definitions: readonly EventDefinition[]): CounterDefinition {
  return { ...eventCounter, values: definitions.map(({ name }) => name) }
}

/** The part of an event's details that the caller adds: every change by an operator names the operator. */
export function operatorDetails({ operator }: Caller): { readonly operator?: string } {
  return operator === undefined ? {} : { operator }
}

export function createEvents({
  db,
  afterCommit,
  clock,
  logger,
  meter,
}: Pick<Scope, 'db' | 'afterCommit'> & {
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
}): Events {
  function log(written: readonly WrittenEvent[], { ip, requestId, traceId }: Caller): void {
    afterCommit(() => {
      for (const { type: event, user_id, session_id, details } of written) {
        meter.count(eventCounter, event)
        logger.info({ event, user_id, session_id, ip, request_id: requestId, trace_id: traceId, ...details }, 'event')
      }
    })
  }

  return {
    async record({ type, userId = null, sessionId = null, details: ofEvent = {} }, caller) {
      const { ip, userAgent, requestId } = caller
      const details = { ...ofEvent, ...operatorDetails(caller) }
      await db.$executeRaw`
        INSERT INTO events (type, at, user_id, session_id, ip, user_agent, request_id, details)
        VALUES (${type.name}, ${clock.now()}, ${userId ?? 0}, ${sessionId}::uuid, ${ip}, ${userAgent}, ${requestId}::uuid,
          ${JSON.stringify(details)}::jsonb)`
      log([{ type: type.name, user_id: userId, session_id: sessionId, details }], caller)
    },
    log,
    async list({ since, userId, limit }) {
      const found = await db.event.findMany({
        where: { at: { gte: since }, ...(userId !== undefined && { userId }) },
        orderBy: [{ at: 'desc' }, { id: 'desc' }],
        take: limit,
      })
      return found.reverse().map((event) => ({ ...event, id: String(event.id) }))
    },
  }
}
