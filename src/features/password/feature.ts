import { attemptCounter } from './counters.ts'
import * as endpoints from './endpoints.ts'
import { passwordEvents } from './events.ts'
import { passwordChanged, resetPassword, untrustedDevicesRefused } from './mail-templates.ts'

export const password = {
  name: 'password',
  counters: [attemptCounter],
  endpoints: [
    endpoints.forgotPassword,
    endpoints.resetPassword,
    endpoints.resetPasswordOfUser,
    endpoints.changePassword,
    endpoints.changePasswordKeepingTokens,
  ],
  events: passwordEvents,
  mailTemplates: [resetPassword, passwordChanged, untrustedDevicesRefused],
}
