import { defineErrors } from '../../kernel/errors.ts'

/** Not 401, which clients take to mean that the token is invalid. */
export const reauthenticationErrors = defineErrors({
  password_wrong: [400, 'The password is wrong', 'password'],
})
