import { text } from '../../kernel/schemas.ts'

const longestBytes = 512

/** A password as somebody types it. Whether it is good enough as a new one, the passwordPolicy says. */
export const PasswordText = text({ min: 1, max: longestBytes }).refine(
  (value) => Buffer.byteLength(value) <= longestBytes,
  { error: 'at most 512 bytes', params: { code: 'too_big' } },
)
