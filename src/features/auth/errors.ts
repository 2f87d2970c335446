import { defineErrors } from '../../kernel/errors.ts'

export const authErrors = defineErrors({
  verification_token_invalid: [400, 'The verification token is wrong, used or expired: ask for a new one'],
  password_required: [
    400,
    'A registration of this address is pending: send its password as password, or another one as new_password',
    'password',
  ],
  registration_password_wrong: [
    400,
    'No pending registration of this address has this password: try again, or send a new_password',
    'password',
  ],
  account_has_password: [
    400,
    'The account of this address has a password already: send the token alone',
    'new_password',
  ],
  username_taken_meanwhile: [
    400,
    'The username was taken while the address waited: send another one as username',
    'username',
  ],
})
