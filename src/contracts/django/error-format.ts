import { z } from 'zod'
import type { Access } from '../../http/contracts/endpoint.ts'
import { needsAccessToken } from '../../http/contracts/endpoint.ts'
import type { ErrorContext, ErrorFormat, ErrorResponse } from '../../http/contracts/error-format.ts'
import { errorHeaders, StepReply, stepMember } from '../../http/contracts/error-format.ts'
import type { AuthError, InputIssue } from '../../kernel/errors.ts'

/** The messages of Django REST framework and SimpleJWT: clients compare them, so they are kept word for word. */
const details: Readonly<Record<string, string>> = {
  not_found: 'Not found.',
  internal_error: 'A server error occurred.',
  overloaded: 'Service temporarily unavailable, try again later.',
  limits_unavailable: 'Service temporarily unavailable, try again later.',
  database_unavailable: 'Service temporarily unavailable, try again later.',
  malformed_json: 'JSON parse error - the body is not valid JSON in UTF-8',
  invalid_request: 'Malformed request.',
}

const messages: Readonly<Record<string, string>> = {
  required: 'This field is required.',
  password_common: 'This password is too common.',
  password_numeric: 'This password is entirely numeric.',
  username_taken: 'A user with that username already exists.',
  email_taken: 'user with this email already exists.',
}

/** Of values in the wrong form, by field. */
const formats: Readonly<Record<string, string>> = {
  email: 'Enter a valid email address.',
  username: 'Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.',
}

const pythonTypes: Readonly<Record<string, string>> = {
  array: 'list',
  string: 'str',
  number: 'int',
  boolean: 'bool',
}

const badTokens = ['token_invalid', 'access_token_expired', 'refresh_token_expired', 'session_expired']
const endedTokens = ['refresh_token_reused', 'session_revoked']
const noAccount = ['credentials_invalid', 'email_not_verified']

/** The answer for an unverified user, by what was sent: a password, a refresh token or an access token. */
const inactive: Readonly<Record<Access, object>> = {
  public: { detail: 'No active account found with the given credentials' },
  refresh: { detail: 'No active account found for the given token.' },
  bearer_or_refresh: { detail: 'No active account found for the given token.' },
  bearer: { detail: 'User is inactive', code: 'user_inactive' },
  bearer_to_read: { detail: 'User is inactive', code: 'user_inactive' },
}

/** The error format of Django REST framework with SimpleJWT. */
export const django: ErrorFormat = {
  present,
  refusal: z
    .union([
      z.object({
        detail: z.string(),
        code: z.enum(['token_not_valid', 'bad_authorization_header', 'user_inactive', 'step_required']).optional(),
        messages: z
          .array(z.object({ token_class: z.string(), token_type: z.string(), message: z.string() }))
          .optional(),
        step: StepReply.optional(),
      }),
      z.record(z.string(), z.array(z.string())),
    ])
    .meta({ id: 'Refusal' }),
}

type Answers = Readonly<Record<string, Pick<ErrorResponse, 'status' | 'body'>>>

/** The same format, with other answers, none of them 401, to some errors: by what an endpoint asks for and the error's code. */
export function djangoWith(answers: Readonly<Partial<Record<Access, Answers>>>): ErrorFormat {
  return {
    ...django,
    present(error, context) {
      const answer = context.access && answers[context.access]?.[error.definition.code]
      if (!answer) return present(error, context)
      const { 'WWW-Authenticate': _challenge, ...headers } = errorHeaders(error)
      return { ...answer, contentType: 'application/json', headers }
    },
  }
}

function present(error: AuthError, context: ErrorContext): ErrorResponse {
  const { code, status } = error.definition
  const answer = { status: noAccount.includes(code) ? 401 : status, body: bodyOf(error, context) }
  const headers = errorHeaders(error)
  if (answer.status === 401) headers['WWW-Authenticate'] = 'Bearer realm="api"'
  if (headers.Allow !== undefined) headers.Allow += ', OPTIONS'
  return { ...answer, contentType: 'application/json', headers }
}

function bodyOf(error: AuthError, { method, mediaType, access, authorization }: ErrorContext): unknown {
  const { code } = error.definition
  const { issues, retryAfterSeconds = 1, step } = error.details
  if (issues) return fieldErrors(issues)
  if (badTokens.includes(code) || endedTokens.includes(code)) return tokenNotValid(code, needsAccessToken(access))
  if (noAccount.includes(code)) return inactive[code === 'email_not_verified' ? (access ?? 'public') : 'public']
  switch (code) {
    case 'unauthenticated':
      return headerNotValid(authorization.split(/\s+/).filter(Boolean))
    case 'method_not_allowed':
      return { detail: `Method "${method}" not allowed.` }
    case 'unsupported_media_type':
      return { detail: `Unsupported media type "${mediaType}" in request.` }
    case 'malformed_form':
      return { detail: `${/^multipart/i.test(mediaType) ? 'Multipart form' : 'Form'} parse error - ${error.message}` }
    case 'rate_limited':
      return {
        detail: `Request was throttled. Expected available in ${retryAfterSeconds} second${retryAfterSeconds === 1 ? '' : 's'}.`,
      }
    case 'step_required':
      return { detail: `${error.message}.`, code, ...stepMember(step) }
    default:
      return { detail: details[code] ?? `${error.message}.` }
  }
}

function headerNotValid([scheme, ...rest]: readonly string[]): unknown {
  // With another scheme the request has no credentials, as in Django.
  if (scheme !== 'Bearer') return { detail: 'Authentication credentials were not provided.' }
  return rest.length === 1
    ? tokenNotValid('token_invalid', true)
    : {
        detail: 'Authorization header must contain two space-delimited values',
        code: 'bad_authorization_header',
      }
}

function tokenNotValid(code: string, isBearer: boolean): unknown {
  if (!isBearer) {
    return {
      detail: endedTokens.includes(code) ? 'Token is blacklisted' : 'Token is invalid or expired',
      code: 'token_not_valid',
    }
  }
  return {
    detail: 'Given token not valid for any token type',
    code: 'token_not_valid',
    messages: [{ token_class: 'AccessToken', token_type: 'access', message: 'Token is invalid or expired' }],
  }
}

function fieldErrors(issues: readonly InputIssue[]): Record<string, string[]> {
  const errors: [string, string[]][] = []
  for (const issue of issues) {
    const field = String(issue.path[0] ?? 'non_field_errors')
    const known = errors.find(([name]) => name === field)
    if (known) known[1].push(messageOf(issue))
    else errors.push([field, [messageOf(issue)]])
  }
  return Object.fromEntries(errors)
}

function messageOf({ path, code, detail, limit, received = '', resembles }: InputIssue): string {
  switch (code) {
    case 'invalid_type':
      if (path.length === 0 && received === 'null') return 'No data provided'
      if (path.length === 0) return `Invalid data. Expected a dictionary, but got ${pythonTypes[received] ?? received}.`
      return received === 'null' ? 'This field may not be null.' : 'Not a valid string.'
    case 'too_small':
      return limit === 1
        ? 'This field may not be blank.'
        : `This password is too short. It must contain at least ${limit} characters.`
    case 'too_big':
      return limit === undefined ? asSentence(detail) : `Ensure this field has no more than ${limit} characters.`
    case 'password_personal':
      return `The password is too similar to the ${resembles === 'email' ? 'email address' : resembles?.replace('_', ' ')}.`
    case 'invalid_format':
      return formats[String(path[0])] ?? asSentence(detail)
    default:
      return messages[code] ?? asSentence(detail)
  }
}

function asSentence(detail: string): string {
  return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`
}
