import { defineEvents } from '../../kernel/events.ts'

export const sessionEvents = defineEvents({
  login_succeeded: 'A session was opened, by a login or by a registration that logs in at once.',
  session_ended: 'A session was ended; `reason` tells why.',
  sessions_ended: 'All sessions of a user but perhaps one were ended; `reason` tells why, `count` how many there were.',
  renewed_with_access_token: 'A new pair of tokens was given for an access token alone.',
  refresh_token_reused: 'A token that had been replaced came back, and its session was ended.',
})
