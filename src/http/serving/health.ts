import type { Router } from 'express'
import { operatorHeader } from '../../kernel/operator-token.ts'
import { clientAddress } from './caller.ts'
import { createReadOnlyRouter } from './read-only.ts'

/** Asked by load balancers and container runtimes, under whatever host name they have for the machine. */
export const healthPaths: readonly string[] = ['/healthz', '/readyz']

interface HealthParts {
  readonly whyNotReady: () => Promise<string | undefined>
  /** Whether the token is one of a command of this server. */
  readonly isOperator: (token: string) => boolean
}

/** For monitoring: `/healthz` says that it lives, `/readyz` whether it can serve. */
export function createHealthRouter({ whyNotReady, isOperator }: HealthParts): Router {
  return createReadOnlyRouter({
    '/healthz': (request, response) => {
      const isAsked = isOperator(request.get(operatorHeader) ?? '')
      response.json({ status: 'ok', ...(isAsked && { client_address: clientAddress(request) }) })
    },
    '/readyz': async (_request, response) => {
      const problem = await whyNotReady()
      if (problem === undefined) response.json({ status: 'ready' })
      else response.status(503).set('Retry-After', '1').json({ status: 'not ready', problem })
    },
  })
}
