import type { Clock } from '../../kernel/ports.ts'
import { secondsAfter } from '../../kernel/time.ts'
import type { Gate } from '../session/index.ts'
import type { ReauthenticationStore } from './store.ts'

/** The step, as endpoint and gate name it. */
export const reauthenticateStep = 'reauthenticate'

interface Context {
  readonly clock: Clock
  readonly stores: { readonly reauthentications: ReauthenticationStore }
  readonly config: { readonly reauthentication: { readonly after: number | undefined } }
}

/** Asks the user to authenticate again when the login and the last time that they did are too long ago. */
export const reauthenticationGate: Gate<Context> = {
  occasions: ['sensitive'],
  async answer({ session, maxAge: demanded }, { clock, stores, config }) {
    if (!session || demanded === undefined) return undefined
    const maxAge = config.reauthentication.after ?? demanded
    const isRecent = (at: Date) => clock.now() <= secondsAfter(at, maxAge)
    if (session.authenticated && isRecent(session.createdAt)) return undefined
    const authenticatedAt = await stores.reauthentications.find(session.id)
    return authenticatedAt && isRecent(authenticatedAt) ? undefined : { step: { name: reauthenticateStep, maxAge } }
  },
}
