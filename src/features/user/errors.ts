import { defineErrors } from '../../kernel/errors.ts'

export const userErrors = defineErrors({
  username_taken: [400, 'This username is taken', 'username'],
  email_taken: [400, 'This e-mail address has an account already: log in, or reset the password', 'email'],
  username_is_address: [400, "A username that is an e-mail address must be the account's own", 'username'],
})
