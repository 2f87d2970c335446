import { defineErrors } from '../../kernel/errors.ts'

/** No 401, from which clients take it that the token is dead. */
export const reauthenticationErrors = defineErrors({
  password_wrong: [400, 'The password is wrong', 'password'],
})
