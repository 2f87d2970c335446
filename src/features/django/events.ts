import { defineEvents } from '../../kernel/events.ts'

export const djangoEvents = defineEvents({
  user_imported: 'An account was taken over from Django.',
  imported_user_updated: 'What had changed at Django was taken over.',
  imported_password_updated: 'The password had changed at Django: it was taken over, and all sessions ended.',
})
