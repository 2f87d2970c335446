import type { Response } from 'supertest'
import type { Exchanged } from './exchange.ts'

export const pairKeys = ['access_token', 'expires_in', 'refresh_expires_in', 'refresh_token', 'token_type']

export const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
export const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

interface Known {
  readonly id?: number
  readonly uuid?: string
  readonly username: string
  readonly email: string
}

/** All fields that users see of themselves, as they are after a registration but for the changes. */
export function shownUser(user: Known, changes: object = {}): object {
  return {
    id: user.id ?? expect.any(Number),
    uuid: user.uuid ?? expect.stringMatching(uuid),
    username: user.username,
    email: user.email,
    email_verified: false,
    first_name: '',
    last_name: '',
    full_name: '',
    display_name: user.username,
    phone_number: '',
    phone_number_verified: false,
    timezone: 'UTC',
    account_status: 'active',
    last_login: expect.stringMatching(instant),
    date_joined: expect.stringMatching(instant),
    is_active: true,
    is_staff: false,
    is_superuser: false,
    is_practitioner: false,
    ...changes,
  }
}

/** The sorted names of all fields of an answer. */
export function keysOf(body: object): string[] {
  return Object.keys(body).sort()
}

/** Texts that no answer may contain: pages, stacks, and words of the libraries beneath. */
const leaks = /<!doctype|<html|<pre|node_modules|\.ts:\d|\n? {4}at |prisma|postgres|zod|express/i

/**
 * A refusal in one line, such as `401 session_revoked` or `400 invalid_request #/username required`. Fails unless the
 * answer is a complete problem document without further fields.
 */
export function refusalOf({ status, headers, body, text }: Response | Exchanged): string {
  const { errors, step, ...problem } = body ?? {}
  expect(step !== undefined).toBe(problem.code === 'step_required')
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

/** From one instant to the other in whole seconds. */
export function secondsBetween(earlier: string, later: string): number {
  return Math.round((Date.parse(later) - Date.parse(earlier)) / 1000)
}

/**
 * Everything that an attacker can compare: the status, the names of the header fields, the body without its request id.
 */
export function visibleOf({ status, headers, body }: Response): string {
  const { request_id: _differs, ...rest } = body
  return JSON.stringify([status, Object.keys(headers).sort(), headers['content-length'], rest])
}

/** Runs the work so many times at once. */
export function times<Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)))
}
