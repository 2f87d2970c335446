import { defineEvents } from '../../kernel/events.ts'

export const mailEvents = defineEvents({
  mail_retried: 'An operator queued an abandoned mail once more.',
})
