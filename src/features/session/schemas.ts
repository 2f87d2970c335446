import { z } from 'zod'
import { text } from '../../kernel/schemas.ts'

/** A JWT as it is sent in a body. */
export const Token = text({ min: 1, max: 4096 })

export const TokenPair = z
  .object({
    access_token: z.string(),
    /** Absent where it travels in a cookie. */
    refresh_token: z.string().optional(),
    token_type: z.literal('bearer'),
    /** Seconds, counted from when the pair was issued. */
    expires_in: z.int(),
    refresh_expires_in: z.int(),
  })
  .meta({ id: 'TokenPair' })
export type TokenPair = z.infer<typeof TokenPair> & { readonly refresh_token: string }

export const SessionReply = z
  .object({
    id: z.uuid(),
    created_at: z.iso.datetime(),
    last_used_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    ends_at: z.iso.datetime(),
    ip: z.string().meta({ description: 'Where the session was opened from' }),
    user_agent: z.string().meta({ description: 'The User-Agent header of that request' }),
    last_ip: z.string().meta({ description: 'Where its tokens were last asked for from' }),
    last_user_agent: z.string().meta({ description: 'The User-Agent header of that request' }),
    current: z.boolean(),
  })
  .meta({ id: 'Session' })
export type SessionReply = z.infer<typeof SessionReply>

/** Beyond this sessions are not counted: the answer has to come soon. */
export const mostCounted = 10_000

/** The most sessions in one answer, and how many there are where no limit is sent. */
export const mostListed = 100

/** As a query holds it: the digits of a number. */
export const PageLimit = z
  .string()
  .refine((value) => /^[1-9]\d{0,2}$/.test(value) && Number(value) <= mostListed, {
    error: `must be a whole number from 1 to ${mostListed}`,
    params: { code: 'invalid_format' },
  })
  .meta({ type: 'integer', minimum: 1, maximum: mostListed, default: mostListed })
  .transform(Number)

export const SessionPage = z.object({
  sessions: z.array(SessionReply),
  total: z
    .int()
    .max(mostCounted)
    .meta({ description: 'The number of all live sessions; beyond 10,000 they are not counted' }),
  next_cursor: z.string().nullable().meta({ description: 'The cursor of the next page; null on the last one' }),
})
export type SessionPage = z.infer<typeof SessionPage>

export const TokenIntrospection = z.union([
  z.object({
    active: z.literal(true),
    token_type: z.enum(['access', 'refresh']),
    sub: z.uuid(),
    user_id: z.int(),
    session_id: z
      .uuid()
      .nullable()
      .meta({ description: 'Null for a token of Django that no session has taken the place of' }),
    iat: z.int(),
    exp: z.int(),
  }),
  z.object({ active: z.literal(false) }),
])
export type TokenIntrospection = z.infer<typeof TokenIntrospection>
