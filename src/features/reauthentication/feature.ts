import type { CleanUpRun } from '../../kernel/clean-up.ts'
import { reauthenticate } from './endpoints.ts'
import { reauthenticationEvents } from './events.ts'
import { reauthenticationGate } from './gate.ts'
import type { ReauthenticationStore } from './store.ts'

export const reauthentication = {
  name: 'reauthentication',
  endpoints: [reauthenticate],
  events: reauthenticationEvents,
  cleanUpJobs: {
    reauthentications: (stores: { reauthentications: ReauthenticationStore }, run: CleanUpRun) =>
      stores.reauthentications.deleteOld(run),
  },
  gates: [reauthenticationGate],
}
