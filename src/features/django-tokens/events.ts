import { defineEvents } from '../../kernel/events.ts'

export const djangoTokenEvents = defineEvents({
  django_token_swapped:
    'A session was opened for a refresh token of Django; `stays` tells whether that token goes on as the refresh token of the session.',
  django_token_blacklisted: 'A user logged out with a refresh token of Django, which is refused from now on.',
})
