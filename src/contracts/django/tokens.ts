import { z } from 'zod'
import * as session from '../../features/session/endpoints.ts'
import { serve } from '../../http/contracts/contract.ts'
import { Text } from './fields.ts'

/** A refresh token is sent, under the name that SimpleJWT gives it. */
export const refreshSent = {
  wire: z.object({ refresh: Text }),
  from: { refresh_token: 'refresh' },
} as const

/** A pair of tokens is answered, under the names that SimpleJWT gives them. */
export const pairAnswered = {
  reply: z.object({ access: z.string(), refresh: z.string().optional() }),
  to: ({ access_token, refresh_token }: { access_token: string; refresh_token: string }) => ({
    access: access_token,
    refresh: refresh_token,
  }),
}

export const logOutRow = serve('POST /logout/', session.logOut, {
  ...refreshSent,
  status: 205,
  reply: z.undefined(),
  to: () => undefined,
})
