import { AuthError, defineErrors } from '../../kernel/errors.ts'

export const userErrors = defineErrors({
  username_taken: [400, 'This username is taken'],
  email_taken: [400, 'This address has an account already: log in, or reset the password'],
  username_is_address: [400, "A username that is an e-mail address must be the account's own"],
})

/** The refusal, with a pointer to the field that it is about. */
export function refuseField(code: keyof typeof userErrors, field: 'username' | 'email'): AuthError {
  const definition = userErrors[code]
  return new AuthError(definition, { issues: [{ path: [field], code, detail: definition.sentence }] })
}
