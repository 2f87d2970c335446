import { defineEvents } from '../../kernel/events.ts'

export const reauthenticationEvents = defineEvents({
  reauthenticated: 'A user showed the password again in a session.',
  reauthentication_failed: 'The password shown in a session was wrong or could not be tried; a sample.',
})
