import type { TokenAnswer } from './access-token.ts'
import { later } from './clock.ts'
import { ProblemError, readProblem } from './problem.ts'
import type { EndReason } from './types.ts'

/** What the server says to a refresh: the next tokens, that the session is over, or how long to wait. */
export type RefreshOutcome =
  | { readonly tokens: TokenAnswer }
  | { readonly ended: EndReason; readonly code: string }
  | { readonly waitMs: number; readonly problem: ProblemError }

const answerLimit = 5_000

const reasons: Readonly<Record<string, EndReason>> = {
  refresh_token_reused: 'reuse',
  refresh_token_expired: 'expired',
  session_expired: 'expired',
  refresh_cookie_missing: 'expired',
}

/** Sends a refresh. One that is not answered is sent once more: within its grace window the server repeats the answer. */
export async function requestRefresh(send: Send): Promise<RefreshOutcome> {
  return ask(send).catch((error: unknown) => {
    if (error instanceof ProblemError) throw error
    return ask(send)
  })
}

type Send = (signal: AbortSignal) => Promise<Response>

/** Rejects when the whole answer has not arrived in time, whatever becomes of the request. */
function ask(send: Send): Promise<RefreshOutcome> {
  const request = new AbortController()
  return new Promise((resolve, reject) => {
    const cancel = later(answerLimit, () => {
      const error = new DOMException('The refresh was not answered', 'TimeoutError')
      request.abort(error)
      reject(error)
    })
    send(request.signal).then(readOutcome).then(resolve, reject).finally(cancel)
  })
}

async function readOutcome(response: Response): Promise<RefreshOutcome> {
  if (response.ok) return { tokens: (await response.json()) as TokenAnswer }
  const problem = await readProblem(response)
  const error = new ProblemError(response, problem)
  // Not every 401 is from the server: a proxy in front of it may ask for a password of its own.
  if (error.status === 401 && problem.code) return { ended: reasons[problem.code] ?? 'revoked', code: problem.code }
  if (error.status === 429 || error.status === 503) return { waitMs: (error.retryAfter ?? 1) * 1000, problem: error }
  throw error
}
