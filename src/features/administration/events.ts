import { defineEvents } from '../../kernel/events.ts'

export const administrationEvents = defineEvents({
  user_disabled: 'An operator disabled a user, and all sessions ended.',
  user_enabled: 'An operator enabled a user who was disabled.',
  roles_changed: 'An operator gave roles to a user or took them away; `staff`, `superuser`, `practitioner` tell which.',
  user_deleted: 'An operator deleted a user, with the sessions and the password.',
})
