import type { Response } from 'supertest'
import type { Exchanged } from './exchange.ts'

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

/** What must be in no answer whatever happens: pages, stacks, and words of the libraries beneath. */
const leaks = /<!doctype|<html|<pre|node_modules|\.ts:\d|\n? {4}at |prisma|postgres|zod|express/i

/**
 * A refusal in one line, such as `401 session_revoked` or `400 invalid_request #/username required`; fails unless the
 * answer keeps everything that is promised of a refusal: a problem document of ours, whole and without further fields.
 */
export function refusalOf({ status, headers, body, text }: Response | Exchanged): string {
  const { errors, ...problem } = body ?? {}
  expect(headers['content-type']).toMatch(/^application\/problem\+json(; charset=utf-8)?$/)
  expect(problem).toEqual({
    type: `/problems#${problem.code}`,
    title: expect.stringMatching(/./),
    status,
    code: expect.stringMatching(/^[a-z_]+$/),
    detail: expect.stringMatching(/./),
    request_id: headers['x-request-id'],
  })
  expect(text).not.toMatch(leaks)
  expect(text.length).toBeLessThan(4096)
  expect(headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined)
  expect(headers['cache-control']).toBe('no-store')
  return [`${status} ${problem.code}`, ...(errors ?? []).map(issueIn)].join(' ')
}

function issueIn(issue: { pointer: string; code: string }): string {
  const texts = { pointer: expect.stringMatching(/^#/), code: expect.stringMatching(/^[a-z_]+$/) }
  expect(issue).toEqual({ ...texts, detail: expect.stringMatching(/./) })
  return `${issue.pointer} ${issue.code}`
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
