import type { RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { AuthError, requestErrors } from '../../kernel/errors.ts'
import type { SendRawResponse } from './raw-response.ts'

/** How long a request may wait for a start that takes its time, for instance while another instance migrates. */
const killDelayMs = 5000

/** Until the server opens, who watches the process learns at once that it lives and cannot serve yet; all others wait a little. */
export function createStartingListener(answer: SendRawResponse, opened: Promise<RequestListener>): RequestListener {
  const ready = {
    status: 503,
    headers: { 'Retry-After': '1' },
    body: { status: 'not ready', problem: 'the server is starting' },
  }
  const refuse: RequestListener = (_request, response) => answer(new AuthError(requestErrors.starting), response)
  return async (request, response) => {
    const path = request.url?.replace(/\?.*/s, '')
    if (path === '/healthz') return answer({ status: 200, headers: {}, body: { status: 'ok' } }, response)
    if (path === '/readyz') return answer(ready, response)
    const serve = await Promise.race([opened, delay(killDelayMs, refuse, { ref: false })])
    serve(request, response)
  }
}
