import type { IssueCode, PersonalField, RuleIssue } from '../../kernel/errors.ts'
import { invalidRequest } from '../../kernel/errors.ts'
import { isMadeUpUsername } from '../user/index.ts'
import { isCommon } from './common-passwords.ts'
import { isSimilar } from './similarity.ts'

const mostCodePoints = 128

/** The user that the password is for. */
interface PasswordOwner {
  readonly username: string
  readonly email: string
  readonly firstName: string
  readonly lastName: string
  readonly displayName?: string
}

/** Which new passwords are refused, with `invalid_request` about the field. */
export interface PasswordPolicy {
  /** Throws everything that is wrong with a new password. */
  check(password: string, field: string, owner: PasswordOwner): void
  /** Throws when a username that is chosen later is too similar to the password. */
  checkUsername(password: string, field: string, username: string): void
}

/**
 * Length, and nothing that a guesser tries first (NIST SP 800-63B, section 3.1.1.2; ASVS 6.2): the rules of Django's
 * validators in the order of its project template. No composition rules: they make passwords worse.
 */
export function createPasswordPolicy({ minLength }: { minLength: number }): PasswordPolicy {
  return {
    check(password, field, owner) {
      const { length } = [...password.normalize('NFC')]
      if (length > mostCodePoints) {
        refuse(field, [issue('too_big', `at most ${mostCodePoints} characters`, { limit: mostCodePoints })])
      }
      refuse(field, [
        ...similarities(password, personalFields(owner, password)),
        ...(length < minLength ? [issue('too_small', `at least ${minLength} characters`, { limit: minLength })] : []),
        ...(isCommon(password) ? [issue('password_common', 'is one of the passwords that are tried first')] : []),
        ...(/^\p{Nd}+$/u.test(password) ? [issue('password_numeric', 'must not be digits only')] : []),
      ])
    },
    checkUsername(password, field, username) {
      refuse(field, similarities(password, [['username', username]]))
    },
  }
}

const labels: Readonly<Record<PersonalField, string>> = {
  username: 'username',
  first_name: 'first name',
  last_name: 'last name',
  email: 'e-mail address',
  display_name: 'display name',
}

type Personal = readonly [field: PersonalField, value: string]

/**
 * In the order in which Django looks at them. A generated username is compared only as a whole: a part of a random text
 * can be in a password by chance.
 */
function personalFields(
  { username, firstName, lastName, email, displayName = '' }: PasswordOwner,
  password: string,
): Personal[] {
  const isChance = isMadeUpUsername(username) && !password.toLowerCase().includes(username.toLowerCase())
  return [
    ['username', isChance ? '' : username],
    ['first_name', firstName],
    ['last_name', lastName],
    ['email', email],
    ['display_name', displayName],
  ]
}

/** The first of these that the password is too similar to. */
function similarities(password: string, personal: readonly Personal[]): Issue[] {
  const [field] = personal.find(([, value]) => value !== '' && isSimilar(password, value)) ?? []
  if (field === undefined) return []
  return [issue('password_personal', `must not be too similar to the ${labels[field]}`, { resembles: field })]
}

type Issue = Omit<RuleIssue, 'path'>

function issue(code: IssueCode, detail: string, more: Pick<RuleIssue, 'limit' | 'resembles'> = {}): Issue {
  return { code, detail, ...more }
}

function refuse(field: string, issues: readonly Issue[]): void {
  if (issues.length > 0) throw invalidRequest(issues.map((each) => ({ path: [field], ...each })))
}
