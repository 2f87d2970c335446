import type { Response } from 'supertest'

export const pairKeys = ['access_token', 'expires_in', 'refresh_expires_in', 'refresh_token', 'token_type']

export const userKeys = [
  'account_status',
  'date_joined',
  'display_name',
  'email',
  'email_verified',
  'first_name',
  'full_name',
  'id',
  'is_active',
  'is_practitioner',
  'is_staff',
  'is_superuser',
  'last_login',
  'last_name',
  'phone_number',
  'phone_number_verified',
  'timezone',
  'username',
  'uuid',
]

/** The names of all fields, sorted: what an answer holds and nothing else. */
export function keysOf(body: object): string[] {
  return Object.keys(body).sort()
}

/**
 * A refusal in one line, such as `400 invalid_request #/username required`; fails when the problem document is not
 * one of ours, whole and without further fields.
 */
export function refusalOf({ status, type, body }: Response): string {
  const { errors = [], ...problem } = body
  expect(type).toBe('application/problem+json')
  expect(problem).toEqual({
    type: `/problems#${problem.code}`,
    title: expect.any(String),
    status,
    code: expect.any(String),
    detail: expect.any(String),
    request_id: expect.stringMatching(/^[\da-f-]{36}$/),
  })
  const issues = errors.map(({ pointer, code }: { pointer: string; code: string }) => ` ${pointer} ${code}`)
  return `${status} ${problem.code}${issues.join('')}`
}

/** Everything that a stranger can compare: the status, the names of the header fields, the body without its request id. */
export function visibleOf({ status, headers, body }: Response): string {
  const { request_id: _differs, ...rest } = body
  return JSON.stringify([status, Object.keys(headers).sort(), headers['content-length'], rest])
}

/** The work, so many times at once. */
export function times<Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)))
}
