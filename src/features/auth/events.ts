import { defineEvents } from '../../kernel/events.ts'

export const authEvents = defineEvents({
  user_registered: 'An account was made.',
  registration_started: 'A registration waits until its address is verified.',
  registration_repeated: 'The address of an account was registered again.',
  verification_resent: 'A new verification link was mailed.',
  login_failed: 'A password was wrong or could not be tried; a sample, with the number of consecutive failures.',
})
