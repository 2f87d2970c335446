import type { CleanUpRun } from '../../kernel/clean-up.ts'
import * as endpoints from './endpoints.ts'
import { authEvents } from './events.ts'
import { addressInUse, completeRegistration, verifyEmail } from './mail-templates.ts'
import type { RegistrationStore } from './store.ts'

export const auth = {
  name: 'auth',
  endpoints: [
    endpoints.register,
    endpoints.createAccount,
    endpoints.logIn,
    endpoints.issueRefreshToken,
    endpoints.verifyEmail,
    endpoints.verifyEmailByLink,
    endpoints.resendVerification,
  ],
  events: authEvents,
  mailTemplates: [verifyEmail, completeRegistration, addressInUse],
  cleanUpJobs: {
    registrations: ({ registrations }: { registrations: RegistrationStore }, run: CleanUpRun) =>
      registrations.deleteExpired(run),
  },
}
