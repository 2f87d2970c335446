import { defineErrors } from '../../kernel/errors.ts'

export const authErrors = defineErrors({
  verification_token_invalid: [400, 'The verification token is wrong, used or expired: ask for a new one'],
  username_taken_meanwhile: [400, 'The username was taken while the address waited: register again with another one'],
})
