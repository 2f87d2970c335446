import { defineErrors, stepErrors } from '../../kernel/errors.ts'

export const sessionErrors = defineErrors({
  token_invalid: [401, 'The token is not one of ours'],
  access_token_expired: [401, 'The access token has expired: refresh it'],
  refresh_token_expired: [401, 'The refresh token has expired: log in again'],
  refresh_token_reused: [
    401,
    'The token was replaced before and has come back; its session has been ended to be safe: log in again',
  ],
  session_revoked: [401, 'The session was ended: log in again'],
  session_expired: [401, 'The session has reached its age limit: log in again'],
  renewal_by_access_token_disabled: [403, 'Here an access token renews nothing: use the refresh token'],
  cursor_invalid: [400, 'The cursor is not one that your list of sessions gave: begin without one', 'cursor'],
  session_not_found: [404, 'You have no such session'],
  email_not_verified: [
    403,
    'The e-mail address must be verified first: follow the link in the mail, or ask for a new one',
  ],
})

/** The errors that a gate may refuse with. */
export const gateErrors = [sessionErrors.email_not_verified, stepErrors.step_required]

/** The errors of a request with an access token. */
export const authenticationErrors = [
  ...gateErrors,
  sessionErrors.token_invalid,
  sessionErrors.access_token_expired,
  sessionErrors.session_revoked,
  sessionErrors.session_expired,
]
