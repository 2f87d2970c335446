import { text } from '../../kernel/schemas.ts'

const longestBytes = 512

/** A password as a user types it. The password policy decides whether it may be set. */
export const PasswordText = text({ min: 1, max: longestBytes }).refine(
  (value) => Buffer.byteLength(value) <= longestBytes,
  { error: 'at most 512 bytes', params: { code: 'too_big' } },
)
