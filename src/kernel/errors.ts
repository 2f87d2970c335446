/** The meaning of an error code wherever it is thrown: its HTTP status and a message. */
export interface ErrorDefinition {
  readonly code: string
  readonly status: number
  readonly message: string
  /** The field of the input that is to blame. */
  readonly field?: string
}

/** One thing wrong with the input: where, which rule, and what to do. */
export interface InputIssue {
  readonly path: readonly PropertyKey[]
  readonly code: string
  readonly detail: string
  /** The length that was missed. */
  readonly limit?: number
  /** The kind of JSON value that was sent in place of another. */
  readonly received?: string
  /** The part of its owner that a password is too similar to. */
  readonly resembles?: PersonalField
}

/** The parts of a user that a password must not be similar to. */
export type PersonalField = 'username' | 'first_name' | 'last_name' | 'email' | 'display_name'

/** The possible faults of one field, for all endpoints. */
export const issueCodes = {
  control_character: 'A text holds control characters, such as line breaks',
  deceptive_character: 'A name holds characters that are never seen or turn the text around them',
  ill_formed_text: 'A text is not well-formed Unicode: half of a character is missing',
  invalid_format: 'A text is not in the form that the field asks for',
  invalid_type: 'A value is of another kind than the field asks for, for instance a number instead of a text',
  invalid_value: 'A text is in the right form and stands for nothing that exists',
  invisible_text: 'A name holds nothing that can be seen',
  password_common: 'The new password is one of the most common ones',
  password_numeric: 'A new password is digits only',
  password_personal: 'A new password is too similar to the username, the e-mail address or a name of its owner',
  phone_country_missing:
    'A phone number is written without the code of its country, and the server has no country to assume',
  phone_country_unknown: 'A phone number begins with the code of no country',
  phone_too_long: 'A phone number has more digits than numbers of its country have',
  phone_too_short: 'A phone number has fewer digits than numbers of its country have',
  required: 'A field is missing that must be there',
  too_big: 'A text is too long',
  too_small: 'A text is empty or too short',
  unknown_field: 'A field is there that the request does not have',
} as const
export type IssueCode = keyof typeof issueCodes

/** A broken rule of the input. A field that a service refuses has the code of the service's error. */
export interface RuleIssue extends InputIssue {
  readonly code: IssueCode
}

/** A step that the user has to take before a request can go on, named after the endpoint that takes it. */
export interface Step {
  readonly name: string
  /** The ticket that the client shows when it takes the step. */
  readonly ticket?: string
  /** How many seconds ago the step may have been taken at most, where it counts only for a time. */
  readonly maxAge?: number
}

/** The details that only the throwing place knows. */
export interface ErrorDetails {
  readonly issues?: readonly InputIssue[]
  readonly retryAfterSeconds?: number
  readonly allow?: readonly string[]
  readonly step?: Step
}

/** A refusal that the caller is told about. Any other error that is thrown is a fault of ours. */
export class AuthError extends Error {
  readonly definition: ErrorDefinition
  readonly details: ErrorDetails

  constructor(definition: ErrorDefinition, details: ErrorDetails = {}) {
    super(definition.message)
    this.name = 'AuthError'
    const { code, message: detail, field } = definition
    this.definition = definition
    this.details = field === undefined ? details : { issues: [{ path: [field], code, detail }], ...details }
  }
}

/** Declares errors as data: `{ code: [status, message] }`, with the field at fault, if there is one. */
export function defineErrors<Code extends string>(
  table: Readonly<Record<Code, readonly [status: number, message: string, field?: string]>>,
): Readonly<Record<Code, ErrorDefinition>> {
  const definitions = {} as Record<Code, ErrorDefinition>
  for (const code of Object.keys(table) as Code[]) {
    const [status, message, field] = table[code]
    definitions[code] = { code, status, message, ...(field !== undefined && { field }) }
  }
  return Object.freeze(definitions)
}

/** Refusals that any endpoint may answer with. */
export const requestErrors = defineErrors({
  invalid_request: [400, 'The request is not valid'],
  malformed_json: [400, 'The body is not valid JSON in UTF-8'],
  malformed_form: [400, 'The body is not a valid form in UTF-8'],
  transport_unknown: [400, 'The header Auth-Transport is either cookie or body'],
  refresh_tokens_differ: [400, 'The refresh token of the body is not the one of the cookie: send one of them'],
  unauthenticated: [401, 'Authentication is required: send "Authorization: Bearer <access token>"'],
  refresh_cookie_missing: [401, 'No refresh cookie came with the request: log in'],
  cross_site_request: [
    403,
    'The refresh cookie counts only with "Auth-Transport: cookie" and from this origin or one of CORS_ORIGINS',
  ],
  cross_site_form: [403, 'A form counts only from this origin or one of CORS_ORIGINS: send JSON'],
  local_only: [403, 'This is shown to programs on the machine of the server only, and not through a proxy'],
  not_found: [404, 'There is nothing at this path'],
  method_not_allowed: [405, 'This path does not answer that method'],
  request_timeout: [408, 'The request took too long to arrive'],
  body_too_large: [413, 'The body is larger than 16 kB'],
  unsupported_media_type: [415, 'The body must be uncompressed JSON: send "Content-Type: application/json"'],
  expectation_failed: [417, 'The server cannot do what "Expect" asks for: send the request without it'],
  misdirected_request: [
    421,
    'The request names another host: outside production this server answers at the host of PUBLIC_URL and at localhost',
  ],
  headers_too_large: [431, 'The header fields are too large'],
  rate_limited: [429, 'Too many requests: wait and try again'],
  internal_error: [500, 'Something went wrong on our side; the request id helps us to find out what'],
  starting: [503, 'The server is starting: try again shortly'],
  overloaded: [503, 'The server is busy: try again shortly'],
  limits_unavailable: [503, 'Requests cannot be counted at the moment: try again shortly'],
  database_unavailable: [503, 'The server cannot reach its database: try again shortly'],
})

/** Carries every step through every contract, so that a new kind of step needs no new error. */
export const stepErrors = defineErrors({
  step_required: [403, 'Another step is needed first: see step'],
})

/** The refusal of a request whose input breaks a rule. */
export function invalidRequest(issues: readonly RuleIssue[]): AuthError {
  return new AuthError(requestErrors.invalid_request, { issues })
}

/** Why the server cannot start or go on: its message tells the operator what is wrong and the remedy. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartError'
  }
}

/** Whether the error carries one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code))
}
