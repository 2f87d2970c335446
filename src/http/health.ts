import type { IncomingMessage, ServerResponse } from 'node:http'
import { Router } from 'express'
import { refuseOtherMethods } from './errors.ts'

/** For whoever watches the process: `/healthz` says that it lives, `/readyz` whether it can serve. */
export function createHealthRouter({ whyNotReady }: { whyNotReady: () => Promise<string | undefined> }): Router {
  const router = Router({ caseSensitive: true, strict: true })
  router
    .route('/healthz')
    .get((_request, response) => {
      response.json({ status: 'ok' })
    })
    .all(refuseOtherMethods)
  router
    .route('/readyz')
    .get(async (_request, response) => {
      const problem = await whyNotReady()
      if (problem === undefined) response.json({ status: 'ready' })
      else response.status(503).set('Retry-After', '1').json({ status: 'not ready', problem })
    })
    .all(refuseOtherMethods)
  return router
}

/** What everybody is told who cannot wait for the start to end: the process lives, and cannot serve yet. */
export function answerWhileStarting({ url }: IncomingMessage, response: ServerResponse): void {
  const isAlive = url === '/healthz'
  const body = isAlive ? { status: 'ok' } : { status: 'not ready', problem: 'the server is starting' }
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Retry-After': '1' }
  response.writeHead(isAlive ? 200 : 503, headers).end(JSON.stringify(body))
}
