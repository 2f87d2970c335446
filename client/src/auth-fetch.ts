import type { TokenAnswer } from './access-token.ts'
import type { Api } from './api.ts'
import { readProblem } from './problem.ts'
import type { SessionState } from './session-state.ts'
import type { Tokens } from './tokens.ts'
import type { AuthClientOptions, Step, User } from './types.ts'

interface Needs {
  readonly api: Api
  readonly state: SessionState
  readonly tokens: Tokens
  readonly options: Pick<AuthClientOptions, 'origins' | 'onStep'>
}

/** A fetch() that adds the access token, refreshes it when it is refused, and takes the step that an answer asks for: each once. */
export function createAuthFetch({ api, state, tokens, options: { origins = [], onStep } }: Needs): typeof fetch {
  const steps = new Map<string, Promise<unknown>>()
  /** An access token that was refused although it was new: another refresh would change nothing. */
  let refusedNew: string | undefined

  /** Any other origin is not to see the token. */
  function isTrusted(url: string): boolean {
    const { origin } = new URL(url)
    const own = typeof location === 'undefined' ? [] : [location.origin]
    return [new URL(api.address).origin, ...own, ...origins].includes(origin)
  }

  /** Whether the refused token was replaced. */
  async function renew(refused: string, signal: AbortSignal): Promise<boolean> {
    if (refused === refusedNew) return false
    if (state.accessToken?.text === refused) await unlessAborted(tokens.refresh(), signal)
    return state.accessToken !== undefined && state.accessToken.text !== refused
  }

  /** Whether the step was taken; several requests that ask for it wait for the same one. */
  async function take(step: Step): Promise<boolean> {
    if (!onStep) return false
    const taken = steps.get(step.name) ?? onStep(step).finally(() => steps.delete(step.name))
    steps.set(step.name, taken)
    return (await taken) !== false
  }

  return async (input, init) => {
    const request = new Request(input, init)
    if (!isTrusted(request.url)) return api.send(request)
    let owner = state.accessToken?.userId
    let token: string | undefined

    async function attempt(): Promise<Response> {
      token = await unlessAborted(tokens.current(), request.signal)
      owner ??= state.accessToken?.userId
      if (token !== undefined && owner !== state.accessToken?.userId) throw new UserChangedError()
      const copy = request.clone()
      if (token !== undefined) copy.headers.set('Authorization', `Bearer ${token}`)
      return api.send(copy)
    }

    let response = await attempt()
    if (response.status === 401 && token !== undefined && (await renew(token, request.signal))) {
      response = await attempt()
      if (response.status === 401) refusedNew = token
    }
    const step = await readStep(response)
    if (step && (await unlessAborted(take(step), request.signal))) response = await attempt()
    if (response.ok && api.isOwn(request.url)) await follow(response.clone())
    return response
  }

  /** Other answers than that of a refresh bring tokens too, as that to a changed password, and others the user as changed. */
  async function follow(response: Response): Promise<void> {
    // The answer to a HEAD has no body, and that of a proxy may be no JSON.
    const reply = await response.json().catch(() => ({}))
    if (reply.access_token) state.begin(reply as TokenAnswer, { isLogin: false })
    if (response.url.endsWith('/profile')) state.setUser(reply as User)
  }
}

/** Another user has logged in while a request waited: it must not be sent in the name of that user. */
export class UserChangedError extends Error {
  constructor() {
    super('Another user has logged in meanwhile')
    this.name = 'UserChangedError'
  }
}

async function readStep(response: Response): Promise<Step | undefined> {
  return response.status === 403 ? (await readProblem(response.clone())).step : undefined
}

function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
