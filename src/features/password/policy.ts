import { dictionary } from '@zxcvbn-ts/language-common'
import type { IssueCode, RuleIssue } from '../../kernel/errors.ts'
import { invalidRequest } from '../../kernel/errors.ts'

const mostCodePoints = 128
const common = new Set(
  dictionary['passwords-common'].slice(0, 10_000).map((password) => String(password).toLowerCase()),
)

/** Throws `invalid_request` about the field when the password is not fit to be a new one. */
export type PasswordPolicy = (password: string, field: string, owner: { username: string; email: string }) => void

/**
 * Length, and nothing that a guesser tries first (NIST SP 800-63B, section 3.1.1.2; ASVS 6.2). No composition rules:
 * they make passwords worse.
 */
export function createPasswordPolicy({ minLength }: { minLength: number }): PasswordPolicy {
  return (password, field, owner) => {
    const length = [...password.normalize('NFC')].length
    if (length < minLength) refuse(field, 'too_small', `at least ${minLength} characters`, { limit: minLength })
    if (length > mostCodePoints)
      refuse(field, 'too_big', `at most ${mostCodePoints} characters`, { limit: mostCodePoints })
    const folded = password.normalize('NFC').toLowerCase()
    if (common.has(folded)) refuse(field, 'password_common', 'is one of the passwords that everybody tries first')
    const taken = ownWord(folded, owner)
    if (taken) {
      const detail = 'must not be the username, the e-mail address or the part before its @'
      refuse(field, 'password_personal', detail, { taken })
    }
  }
}

function ownWord(folded: string, { username, email }: { username: string; email: string }) {
  if (folded === username.toLowerCase()) return 'username'
  return folded === email || folded === email.slice(0, email.indexOf('@')) ? 'email' : undefined
}

function refuse(field: string, code: IssueCode, detail: string, more: Pick<RuleIssue, 'limit' | 'taken'> = {}): never {
  throw invalidRequest([{ path: [field], code, detail, ...more }])
}
