import type { Response } from 'supertest'
import type { Exchanged } from './exchange.ts'

interface Problem {
  readonly detail: string
  readonly request_id: string
  readonly errors?: readonly { readonly pointer: string; readonly code: string; readonly detail: string }[]
}

/** What must be in no answer whatever happens: pages, stacks, and words of the libraries beneath. */
const leaks = /<!doctype|<html|<pre|node_modules|\.ts:\d|\n? {4}at |prisma|postgres|zod|express/i

/** Holds the answer against everything that is promised of a refusal, and returns its body. */
export function expectProblem(response: Response | Exchanged, status: number, code: string): Problem {
  const { body, headers, text } = response
  expect([response.status, body.code]).toEqual([status, code])
  expect(headers['content-type']).toMatch(/^application\/problem\+json(; charset=utf-8)?$/)
  expect(body).toEqual({
    type: `/problems#${code}`,
    title: expect.stringMatching(/./),
    status,
    code,
    detail: expect.stringMatching(/./),
    request_id: headers['x-request-id'],
    ...('errors' in body && { errors: expect.any(Array) }),
  })
  expect(text).not.toMatch(leaks)
  expect(text.length).toBeLessThan(4096)
  expect(headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined)
  expect(headers['cache-control']).toBe('no-store')
  return body
}
