import type { Endpoint } from '../http/contracts/endpoint.ts'
import type { EventDefinition } from '../kernel/events.ts'
import type { Clock } from '../kernel/ports.ts'
import type { CompleteConfig } from '../settings/config.ts'
import { auth } from './auth/feature.ts'
import { mail } from './mail/feature.ts'
import type { MailTemplate } from './mail/index.ts'
import { password } from './password/feature.ts'
import { session } from './session/feature.ts'
import type { Gate } from './session/index.ts'
import type { Stores } from './stores.ts'
import { throttle } from './throttle/feature.ts'
import { user } from './user/feature.ts'

/** What a feature brings along; each exports one from its feature.ts. Its settings are listed in settings.ts, as they are read first. */
interface Feature {
  readonly name: string
  /** In the order in which documents have them. */
  readonly endpoints?: readonly Endpoint<FeatureServices>[]
  readonly events?: Readonly<Record<string, EventDefinition>>
  readonly mailTemplates?: readonly MailTemplate<never>[]
  /** By what they delete: each deletes one batch of rows that were over before that instant, and says how many there were. */
  readonly cleanUpJobs?: Readonly<Record<string, (stores: Stores, before: Date) => Promise<number>>>
  readonly gates?: readonly RequestGate[]
}

/** A gate typed with the few of these that it uses. */
export type RequestGate = Gate<{ readonly clock: Clock; readonly stores: Stores; readonly config: CompleteConfig }>

const all = [auth, session, password, user, throttle, mail]

/** The one list of features, in the order in which documents have them. */
export const features: readonly Feature[] = all

type EndpointOf<One> = One extends { readonly endpoints: readonly (infer Declared)[] } ? Declared : never
type NeedsOf<Declared> = Declared extends Endpoint<infer Needs> ? (needs: Needs) => void : never

/** The services that the endpoints of all features need, taken together. */
export type FeatureServices = NeedsOf<EndpointOf<(typeof all)[number]>> extends (needs: infer All) => void ? All : never
