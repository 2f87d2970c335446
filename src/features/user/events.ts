import { defineEvents } from '../../kernel/events.ts'

export const userEvents = defineEvents({
  profile_changed:
    'A user changed the profile; `fields` names what was sent. Sending what is there already is no change.',
  email_verified: 'The address of a user was verified, by a link or a reset that came by mail.',
})
