import type { RequestListener } from 'node:http'
import type { Router } from 'express'
import { AuthError, requestErrors } from '../kernel/errors.ts'
import type { AnswerBare } from './bare.ts'
import { createReadOnlyRouter } from './read-only.ts'

/** For whoever watches the process: `/healthz` says that it lives, `/readyz` whether it can serve. */
export function createHealthRouter({ whyNotReady }: { whyNotReady: () => Promise<string | undefined> }): Router {
  return createReadOnlyRouter({
    '/healthz': (_request, response) => {
      response.json({ status: 'ok' })
    },
    '/readyz': async (_request, response) => {
      const problem = await whyNotReady()
      if (problem === undefined) response.json({ status: 'ready' })
      else response.status(503).set('Retry-After', '1').json({ status: 'not ready', problem })
    },
  })
}

/** What everybody is told who cannot wait for the start to end: the process lives, and cannot serve yet. */
export function createStartingListener(answer: AnswerBare): RequestListener {
  const ready = {
    status: 503,
    headers: { 'Retry-After': '1' },
    body: { status: 'not ready', problem: 'the server is starting' },
  }
  return ({ url = '' }, response) => {
    const path = url.replace(/\?.*/s, '')
    if (path === '/healthz') answer({ status: 200, headers: {}, body: { status: 'ok' } }, response)
    else answer(path === '/readyz' ? ready : new AuthError(requestErrors.starting), response)
  }
}
