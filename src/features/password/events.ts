import { defineEvents } from '../../kernel/events.ts'

export const passwordEvents = defineEvents({
  password_reset_requested: 'A reset link was mailed.',
  password_reset: 'A new password was set by a reset link.',
  password_set: 'An operator set a new password.',
  password_changed: 'A user changed the password.',
  password_change_failed: 'A change failed as the current password was wrong or could not be tried; a sample.',
  password_disabled: 'A hundred consecutive passwords were wrong: untrusted devices are refused until a reset.',
})
