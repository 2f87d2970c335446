import { z } from 'zod'
import * as session from '../../features/session/endpoints.ts'
import { asIs, serve } from '../../http/contracts/contract.ts'
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

/** A refresh token is sent, and an access token is answered; the refresh token stays the same. */
export const accessAnswered = {
  ...refreshSent,
  reply: z.object({ access: z.string() }),
  to: ({ access_token }: { access_token: string }) => ({ access: access_token }),
} as const

/** A token of either kind is sent, and an empty body says that it is accepted. */
export const nothingAnswered = { wire: z.object({ token: Text }), reply: z.object({}), to: asIs }

export const logOutRow = serve('POST /logout/', session.logOut, {
  ...refreshSent,
  status: 205,
  reply: z.undefined(),
  to: () => undefined,
})
