import type { z } from 'zod'
import type { IssueCode, RuleIssue } from '../../kernel/errors.ts'
import { invalidRequest, issueCodes } from '../../kernel/errors.ts'

const mostIssues = 10
const longestFieldName = 64

/** Checks the input against the endpoint's rules. Throws `invalid_request` with one issue per field, the first that was found. */
export function validate<Schema extends z.ZodObject>(
  schema: Schema,
  fields: Record<string, unknown>,
): z.output<Schema> {
  const result = schema.safeParse(fields)
  if (result.success) return result.data
  // Schemas report several faults of one field: of an empty list, that it is no text and that it is empty.
  const firstOfField = new Map(result.error.issues.toReversed().map((issue) => [issue.path.join('.'), issue]))
  const issues = result.error.issues.filter((issue) => firstOfField.get(issue.path.join('.')) === issue)
  throw invalidRequest(issues.flatMap((issue) => describeIssue(issue, fields)).slice(0, mostIssues))
}

type Issue = z.core.$ZodIssue

function describeIssue(issue: Issue, fields: Record<string, unknown>): RuleIssue[] {
  const { path } = issue
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, mostIssues).map((key) => ({
        path: [...path, key.slice(0, longestFieldName).toWellFormed()],
        code: 'unknown_field',
        detail: 'is not a field of this request',
      }))
    case 'invalid_type':
      return path.length === 1 && !Object.hasOwn(fields, path[0] as string)
        ? [{ path, code: 'required', detail: 'is required' }]
        : [
            {
              path,
              code: 'invalid_type',
              detail: `must be a ${issue.expected}`,
              received: jsonKind(valueAt(fields, path)),
            },
          ]
    case 'too_small':
      return [
        {
          path,
          code: 'too_small',
          detail: issue.minimum === 1 ? 'must not be empty' : `at least ${issue.minimum} characters`,
          limit: Number(issue.minimum),
        },
      ]
    case 'too_big':
      return [{ path, code: 'too_big', detail: `at most ${issue.maximum} characters`, limit: Number(issue.maximum) }]
    case 'custom': {
      const code: unknown = issue.params?.code
      return [{ path, code: isIssueCode(code) ? code : 'invalid_value', detail: issue.message }]
    }
    default:
      return [{ path, code: 'invalid_format', detail: issue.message }]
  }
}

function isIssueCode(code: unknown): code is IssueCode {
  return typeof code === 'string' && Object.hasOwn(issueCodes, code)
}

function valueAt(fields: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], fields)
}

/** The kind of a JSON value, as its grammar calls it (RFC 8259). */
export function jsonKind(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
