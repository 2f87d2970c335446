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
    ip: z.string(),
    user_agent: z.string(),
    current: z.boolean(),
  })
  .meta({ id: 'Session' })
export type SessionReply = z.infer<typeof SessionReply>

export const TokenFacts = z.union([
  z.object({
    active: z.literal(true),
    token_type: z.enum(['access', 'refresh']),
    sub: z.uuid(),
    user_id: z.int(),
    session_id: z.uuid(),
    iat: z.int(),
    exp: z.int(),
  }),
  z.object({ active: z.literal(false) }),
])
export type TokenFacts = z.infer<typeof TokenFacts>
