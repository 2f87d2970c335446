import { defineErrors } from '../../kernel/errors.ts'

export const passwordErrors = defineErrors({
  credentials_invalid: [401, 'The username or the password is wrong'],
  current_password_wrong: [400, 'The current password is wrong', 'current_password'],
  reset_token_invalid: [400, 'The reset token is wrong, used or expired: ask for a new one'],
})
