import type { Endpoint } from '../http/contracts/endpoint.ts'
import type { CleanUpRun } from '../kernel/clean-up.ts'
import { createEventPartitions, eventCleanUpJob } from '../kernel/event-partitions.ts'
import type { EventDefinition } from '../kernel/events.ts'
import { createEvents, eventCounterOf } from '../kernel/events.ts'
import type { CounterDefinition, InstantDefinition } from '../kernel/meter.ts'
import type { Clock, Ports } from '../kernel/ports.ts'
import type { Cipher } from '../kernel/secrets.ts'
import type { Scope } from '../kernel/unit-of-work.ts'
import type { CompleteConfig } from '../settings/config.ts'
import { administration as administrationFeature } from './administration/feature.ts'
import { auth as authFeature } from './auth/feature.ts'
import * as auth from './auth/index.ts'
import { django as djangoFeature } from './django/feature.ts'
import { createDjangoUserStore } from './django/index.ts'
import { djangoTokens as djangoTokensFeature } from './django-tokens/feature.ts'
import * as djangoTokens from './django-tokens/index.ts'
import { mail as mailFeature } from './mail/feature.ts'
import * as mail from './mail/index.ts'
import { password as passwordFeature } from './password/feature.ts'
import * as password from './password/index.ts'
import { reauthentication as reauthenticationFeature } from './reauthentication/feature.ts'
import * as reauthentication from './reauthentication/index.ts'
import { session as sessionFeature } from './session/feature.ts'
import * as session from './session/index.ts'
import { throttle as throttleFeature } from './throttle/feature.ts'
import * as throttle from './throttle/index.ts'
import { user as userFeature } from './user/feature.ts'
import * as user from './user/index.ts'

/**
 * The parts that the server collects from the feature.ts of each feature. Its settings are listed in settings.ts, as
 * they are read first.
 */
interface Feature {
  readonly name: string
  /** In the order in which documents have them. */
  readonly endpoints?: readonly Endpoint<FeatureServices>[]
  readonly events?: Readonly<Record<string, EventDefinition>>
  readonly mailTemplates?: readonly mail.MailTemplate<never>[]
  /** By what they delete: each deletes one batch of the rows that are due, and says how many there were. */
  readonly cleanUpJobs?: Readonly<Record<string, (stores: Stores, run: CleanUpRun) => Promise<number>>>
  readonly gates?: readonly RequestGate[]
  readonly counters?: readonly CounterDefinition[]
}

/** A gate typed with the few of these that it uses. */
export type RequestGate = session.Gate<{
  readonly clock: Clock
  readonly stores: Stores
  readonly config: CompleteConfig
}>

const all = [
  // In the order in which documents have them.
  authFeature,
  sessionFeature,
  djangoTokensFeature,
  reauthenticationFeature,
  passwordFeature,
  userFeature,
  throttleFeature,
  mailFeature,
  administrationFeature,
  djangoFeature,
]

/** The one list of features. */
export const features: readonly Feature[] = all

/** All clean-up jobs, by what they delete: those of the features, and that of the events. */
export function cleanUpJobs(eventRetention?: number) {
  const ofFeatures = features.flatMap((feature) => Object.entries(feature.cleanUpJobs ?? {}))
  return [['events', eventCleanUpJob(eventRetention)] as const, ...ofFeatures]
}

const tables = cleanUpJobs().map(([table]) => table)

export const deletedRows = {
  name: 'auth_clean_up_rows_total',
  help: 'Old rows that this process deleted, by table.',
  label: 'table',
  values: tables,
}

export const cleanUpSucceeded = {
  name: 'auth_clean_up_last_success_timestamp_seconds',
  help: 'Instant at which the deletion of old rows last came to its end here, by table, in seconds since 1970.',
  label: 'table',
  values: tables,
}

/** What the features count for operators. */
export const measures: {
  readonly counters: readonly CounterDefinition[]
  readonly instants: readonly InstantDefinition[]
} = {
  counters: [
    eventCounterOf(features.flatMap(({ events }) => Object.values(events ?? {}))),
    deletedRows,
    ...features.flatMap(({ counters }) => counters ?? []),
  ],
  instants: [cleanUpSucceeded],
}

type EndpointOf<One> = One extends { readonly endpoints: readonly (infer Declared)[] } ? Declared : never
type NeedsOf<Declared> = Declared extends Endpoint<infer Needs> ? (needs: Needs) => void : never

/** The services that the endpoints of all features need, taken together. */
export type FeatureServices = NeedsOf<EndpointOf<(typeof all)[number]>> extends (needs: infer All) => void ? All : never

interface StoreParts extends Ports {
  readonly cipher: Cipher
  readonly wakeMailWorker: () => void
}

/** One store for each table, over the whole database or over one transaction. */
type Stores = ReturnType<typeof createStores>

export function createStores(scope: Scope, { clock, logger, meter, cipher, wakeMailWorker }: StoreParts) {
  const over = { ...scope, clock }
  const events = createEvents({ ...over, logger, meter })
  const mailRateLimits = mail.createMailRateLimits(over)
  const outbox = mail.createOutbox({ ...over, cipher, wakeWorker: wakeMailWorker })
  return {
    padWork: scope.padWork,
    tryLock: scope.tryLock,
    events,
    eventPartitions: createEventPartitions(over),
    mailRateLimits,
    mailTokens: mail.createMailTokens(over),
    outbox,
    mailRecords: mail.createMailRecords(over),
    notices: mail.createNotices({ clock, mailRateLimits, outbox }),
    users: user.createUserStore(over),
    sessions: session.createSessionStore({ ...over, events }),
    attempts: throttle.createAttemptStore({ ...over, events }),
    passwords: password.createPasswordStore(over),
    registrations: auth.createRegistrationStore(over),
    djangoTokens: djangoTokens.createDjangoTokenStore(over),
    djangoUsers: createDjangoUserStore(over),
    reauthentications: reauthentication.createReauthenticationStore(over),
  }
}
