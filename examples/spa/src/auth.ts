import type { Step } from 'auth-server-client'
import { createAuthClient } from 'auth-server-client'

/** Set by the dialog that asks for the password. Resolves to false when the user gives up. */
export const steps = { take: async (_step: Step): Promise<boolean> => false }

/**
 * The client of the server. This application lies on the same origin as the server; an application elsewhere names the
 * address here, and the server names the application in CORS_ORIGINS.
 */
export const auth = createAuthClient({
  baseUrl: new URL('.', location.href).href,
  onStep: (step) => steps.take(step),
})
